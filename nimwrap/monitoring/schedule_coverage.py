"""What the schedules mean for each client: when it starts next, and what is wrong with a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.config.model import Config
from nimwrap.config.toml_file import is_absent
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import ClientRef, Key
from nimwrap.domain.verdict import Verdict
from nimwrap.history.sqlite.queries import Reader

if TYPE_CHECKING:
    from nimwrap.clients.known_clients import KnownClients
    from nimwrap.scheduling.model import Schedule

MEMORY = timedelta(days=35)
"""Slots of this time show that a site lives by schedules; misses that are older are history."""


@dataclass(frozen=True)
class Plans:
    """``starts``: the next start of every client in a schedule, None where the site has no schedules at all."""

    starts: Mapping[Key, datetime] | None
    faults: tuple[tuple[Verdict, str], ...] = ()
    unfit: frozenset[ClientRef] = frozenset()

    def covers(self, key: Key) -> bool | None:
        """Whether a schedule covers the client; None where nobody expects one to."""
        if self.starts is None:
            return None
        if key in self.starts:
            return True
        return None if self.unfit and ClientRef(*key) in self.unfit else False


def read_plans(config: Config, reader: Reader, known: KnownClients, now: datetime) -> Plans:
    """Read the schedule files. Those that cannot be read are a fault of the site, not of each client."""
    try:
        schedules = _loaded(config)
    except NimwrapError as error:
        told = error.message if not error.more else f"{error.message} (and {len(error.more)} more faults)"
        return Plans(None, ((Verdict.CRITICAL, f"no schedule works: {told}; nimwrap schedule validate"),))
    if not schedules:
        if reader.row("select 1 from slots where slot >= ? limit 1", (rfc3339(now - MEMORY),)) is None:
            return Plans(None)
        return Plans({}, ((Verdict.CRITICAL, f"there is no schedule any more in {config.schedules}"),))
    return _plans(config, schedules, known, now)


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
    faults = []
    for schedule in schedules.values():
        refs = clients_of(config, known, schedule)
        slot = next(schedule.clock.after(now), None)
        unlisted = [ref.client for ref in refs if (ref.master, ref.client) not in listed]
        if unlisted:
            names = ", ".join(unlisted[:5]) + (f" and {len(unlisted) - 5} more" if len(unlisted) > 5 else "")
            faults.append((Verdict.WARNING, f"schedule {schedule.name} names {names}, which no master lists"))
        if not refs:
            faults.append((Verdict.CRITICAL, f"schedule {schedule.name} means no client: nothing matches its targets"))
        if slot is None:
            faults.append((Verdict.CRITICAL, f"schedule {schedule.name} never comes again"))
            continue
        for ref in refs:
            start = start_of(schedule, ref, slot)
            key = (ref.master, ref.client)
            starts[key] = min(start, starts.get(key, start))
    return Plans(starts, tuple(faults), known.unfit)


def missed_slots(reader: Reader, now: datetime) -> dict[Key, tuple[datetime, str]]:
    """By client, the newest slot of the last weeks that came and went without a run of it, and why."""
    found: dict[Key, tuple[datetime, str]] = {}
    for state in ("missed", "failed"):
        sql = (  # SQLite takes the bare columns from the row that has the maximum
            "select master, client, max(slot) as slot, reason from slots where state = ? and slot >= ? and run is null"
            " group by master, client"
        )
        for row in reader.rows(sql, (state, rfc3339(now - MEMORY))):
            key, slot = (row["master"], row["client"]), parse_rfc3339(row["slot"])
            if key not in found or found[key][0] < slot:
                found[key] = (slot, row["reason"] or "no reason recorded")
    return found
