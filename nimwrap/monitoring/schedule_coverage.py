"""What the schedules mean for each client: when it starts next, and what is wrong with a schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from nimwrap.clients.blackouts import blackout_of
from nimwrap.config.model import Config
from nimwrap.config.toml_file import is_absent
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import ClientRef, Key
from nimwrap.domain.verdict import Reason, ReasonCode, Verdict
from nimwrap.history.ports import Queries

if TYPE_CHECKING:
    from nimwrap.clients.known_clients import KnownClients
    from nimwrap.scheduling.model import Schedule

SLOTS_AHEAD = 60
"""So many slots of a schedule are looked at for the next one that no blackout covers."""
MEMORY = timedelta(days=35)
"""Slots of this time show that a site lives by schedules; misses that are older are history."""


@dataclass(frozen=True)
class Plans:
    """``starts``: the next start of every client in a schedule, None where the site has no schedules at all."""

    starts: Mapping[Key, datetime] | None
    faults: tuple[Reason, ...] = ()
    unfit: frozenset[ClientRef] = frozenset()

    def covers(self, key: Key) -> bool | None:
        """Whether a schedule covers the client; None where nobody expects one to."""
        if self.starts is None:
            return None
        if key in self.starts:
            return True
        return None if self.unfit and ClientRef(*key) in self.unfit else False


def read_plans(config: Config, reader: Queries, known: KnownClients, now: datetime) -> Plans:
    """Read the schedule files. Those that cannot be read are a fault of the site, not of each client."""
    try:
        schedules = _loaded(config)
    except NimwrapError as error:
        told = error.message if not error.more else f"{error.message} (and {len(error.more)} more faults)"
        text = f"no schedule works: {told}; nimwrap schedule validate"
        return Plans(None, (Reason(Verdict.CRITICAL, ReasonCode.SCHEDULES_UNREADABLE, text),))
    if not schedules:
        if not reader.has_slots(now - MEMORY):
            return Plans(None)
        text = f"there is no schedule any more in {config.schedules}"
        return Plans({}, (Reason(Verdict.CRITICAL, ReasonCode.SCHEDULES_GONE, text),))
    plans = _plans(config, schedules, known, now)
    return replace(plans, faults=(*plans.faults, *_short_windows(reader, schedules, now)))


def _short_windows(reader: Queries, schedules: Mapping[str, Schedule], now: datetime) -> Iterator[Reason]:
    """Nights that will not fit their windows, as those who run the schedules have noted."""
    windows = {name for name, schedule in schedules.items() if schedule.window is not None}
    if not windows:
        return
    from nimwrap.scheduling.window_notes import noted_short

    for name, text in noted_short(reader, now).items():
        if name in windows:
            yield Reason(Verdict.WARNING, ReasonCode.WINDOW_SHORT, text, (name,))


def _loaded(config: Config) -> dict[str, Schedule]:
    with suppress(OSError):  # what cannot be looked at is for those who read the files to say
        if is_absent(config.schedules):
            return {}
    from nimwrap.scheduling.schedule_files import load_schedules

    return load_schedules(config)


def _plans(config: Config, schedules: Mapping[str, Schedule], known: KnownClients, now: datetime) -> Plans:
    from nimwrap.scheduling.schedule_clients import clients_of
    from nimwrap.scheduling.slots import start_of

    listed = {(ref.master, ref.client) for ref in known.refs}
    starts: dict[Key, datetime] = {}
    faults: list[Reason] = []
    for schedule in schedules.values():
        refs = clients_of(config, known, schedule)
        slots = list(islice(schedule.clock.after(now), SLOTS_AHEAD if config.blackout else 1))
        slot = slots[0] if slots else None
        faults += _faults(schedule.name, refs, [ref for ref in refs if (ref.master, ref.client) not in listed], slot)
        if slot is None:
            continue
        for ref in refs:
            begin = next((each for each in slots if not _black(config, schedule, ref, each)), slot)
            start = start_of(schedule, ref, begin)
            key = (ref.master, ref.client)
            starts[key] = min(start, starts.get(key, start))
    return Plans(starts, tuple(faults), known.unfit)


def _black(config: Config, schedule: Schedule, ref: ClientRef, slot: datetime) -> bool:
    """Whether a blackout keeps this client out of the slot."""
    from nimwrap.scheduling.slots import start_of

    return bool(config.blackout) and any(
        blackout_of(config, ref, moment) for moment in (slot, start_of(schedule, ref, slot))
    )


def _faults(
    name: str, refs: Sequence[ClientRef], unlisted: Sequence[ClientRef], slot: datetime | None
) -> Iterator[Reason]:
    """What is wrong with one schedule that means ``refs``, of whom no master lists the ``unlisted``."""
    if unlisted:
        unknown = [ref.client for ref in unlisted]
        names = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        text = f"schedule {name} names {names}, which no master lists"
        subjects = tuple(f"{name}/{client}" for client in unknown)
        yield Reason(Verdict.WARNING, ReasonCode.SCHEDULE_UNKNOWN_CLIENT, text, subjects)
    if not refs:
        text = f"schedule {name} means no client: nothing matches its targets"
        yield Reason(Verdict.CRITICAL, ReasonCode.SCHEDULE_EMPTY, text, (name,))
    if slot is None:
        text = f"schedule {name} never comes again"
        yield Reason(Verdict.CRITICAL, ReasonCode.SCHEDULE_OVER, text, (name,))


def missed_slots(reader: Queries, now: datetime) -> dict[Key, tuple[datetime, str]]:
    """By client, the newest slot of the last weeks that came and went without a run of it, and why."""
    found: dict[Key, tuple[datetime, str]] = {}
    for missed in reader.missed_slots(now - MEMORY):
        key, slot = (missed.master, missed.client), parse_rfc3339(missed.slot)
        if key not in found or found[key][0] < slot:
            found[key] = (slot, missed.reason or "no reason recorded")
    return found
