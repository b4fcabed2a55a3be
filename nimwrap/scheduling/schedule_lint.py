"""What is allowed in schedules and still looks wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nimwrap.clients.known_clients import current_clients
from nimwrap.config.model import Config
from nimwrap.domain.records import ClientRef
from nimwrap.history.ports import Queries
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.schedule_clients import clients_of
from nimwrap.scheduling.slots import PROMPT_S


def schedule_warnings(config: Config, reader: Queries, schedules: Mapping[str, Schedule]) -> Iterator[tuple[str, str]]:
    """What is doubtful, and what to do about it; by the inventories as they are."""
    if not schedules:
        yield f"there is none in {config.schedules}", "docs/schedules.md shows one"
    known = current_clients(config, reader)
    everyone = set(known.refs)
    covered: set[ClientRef] = set()
    for schedule in schedules.values():
        refs = clients_of(config, known, schedule)
        covered |= set(refs)
        yield from _of_one(schedule)
        if everyone and not {ref.client for ref in refs} & {ref.client for ref in everyone}:
            yield f"{schedule.name}: its targets match no client", "`nimwrap status` lists the clients"
        for ref in refs if everyone else ():
            twins = [str(other) for other in everyone if other.client == ref.client and not ref.master]
            if twins:
                hint = f"write {' or '.join(sorted(twins))}"
                yield f"{schedule.name}: {len(twins)} masters know a client {ref.client}", hint
            elif ref not in everyone:
                yield f"{schedule.name}: no master lists the client {ref.client}", "correct the name, or remove it"
    uncovered = everyone - known.unfit - covered if schedules else set()
    left_out = sorted(str(ref) for ref in uncovered if not config.client(ref.master, ref.client).exclude)
    if left_out:
        hint = "add them to the targets of one, or write exclude = true in their [clients.NAME]"
        yield f"in no schedule: {', '.join(left_out)}", hint


def _of_one(schedule: Schedule) -> Iterator[tuple[str, str]]:
    if schedule.window is not None and schedule.jitter >= schedule.window:
        text = f"{schedule.name}: jitter is as long as the window, so some clients never start"
        yield text, "make jitter the shorter of the two"
    if schedule.catch_up < PROMPT_S:
        text = f"{schedule.name}: with this catch_up only a slot noticed within a minute begins"
        yield text, 'run `nimwrap serve`, or write a longer one, such as catch_up = "15m"'
