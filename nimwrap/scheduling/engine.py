"""One look at all schedules: open what is due, say what is missed, and take the clients that may start now.

All that counts stands in the history's ``slots``; this keeps nothing in between, so that any number of processes may
look at any time, be killed at any time, and find the clock set forward or back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.records import ClientRef
from nimwrap.history import slots as queue
from nimwrap.history.reading import ReadOnly
from nimwrap.history.store import Store
from nimwrap.history.values import Row
from nimwrap.scheduling.schedule import Schedule
from nimwrap.scheduling.slots import PROMPT_S, Due, due_slots, start_of, too_late, window_end


@dataclass(frozen=True)
class Batch:
    """Clients of one slot, claimed by this process, to be backed up now. Nothing may start after ``window_ends``."""

    schedule: Schedule
    slot: datetime
    refs: tuple[ClientRef, ...]
    window_ends: datetime | None
    late: str | None = None


@dataclass(frozen=True)
class Opened:
    """One slot that has come, as it was recorded: begun or missed, and for whom."""

    schedule: str
    due: Due
    refs: tuple[ClientRef, ...]


@dataclass(frozen=True)
class Passed:
    """Clients of a slot that had begun who may not start any more."""

    schedule: str
    slot: datetime
    refs: tuple[ClientRef, ...]
    reason: str


@dataclass(frozen=True)
class Look:
    """What one look did. ``next_start``: when the next waiting client may start; None when nobody waits."""

    batches: tuple[Batch, ...]
    opened: tuple[Opened, ...]
    passed: tuple[Passed, ...]
    next_start: datetime | None


@dataclass
class Engine:
    """``targets`` finds the clients that a schedule means now; a name that no master knows is one too."""

    store: Store
    reader: ReadOnly
    targets: Callable[[Schedule], Sequence[ClientRef]]

    def look(self, schedules: Mapping[str, Schedule], now: datetime) -> Look:
        """Do what is due at ``now``. What it returns in ``batches`` is ours to run, and nobody else's."""
        opened = [record for schedule in schedules.values() for record in self._open(schedule, now)]
        waiting: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in queue.pending(self.reader):
            waiting[row["schedule"], row["slot"]].append(row)
        found = [self._sort(schedules.get(name), name, rows, now) for (name, _), rows in waiting.items()]
        batches = tuple(batch for each in found if (batch := self._begin(each)))
        given_up = tuple(passed for each in found for passed in each.passed)
        for passed in given_up:
            queue.end(self.store, passed.schedule, passed.slot, passed.refs, queue.MISSED, passed.reason)
        next_start = min((each.next_start for each in found if each.next_start), default=None)
        return Look(batches, tuple(opened), given_up, next_start)

    def _open(self, schedule: Schedule, now: datetime) -> Iterator[Opened]:
        """Write the rows of every slot that has come since the newest that has any."""
        found = due_slots(schedule, queue.newest_slot(self.reader, schedule.name, now), now)
        refs = tuple(self.targets(schedule)) if found else ()
        for due in found if refs else [_for_nobody(due) for due in found]:
            opening = queue.Opening(schedule.name, due.slot, refs, not due.begins, due.reason)
            if queue.open_slot(self.store, opening, now):
                yield Opened(schedule.name, due, refs)

    def _sort(self, schedule: Schedule | None, name: str, rows: Sequence[Row], now: datetime) -> _Waiting:
        """Who of one slot's waiting clients starts now, who later, and who not any more and why."""
        slot = parse_rfc3339(rows[0]["slot"])
        refs = [ClientRef(row["master"], row["client"]) for row in rows]
        if schedule is None:
            gone = Passed(name, slot, tuple(refs), "the schedule is no longer in the files")
            return _Waiting(None, (gone,), None)
        began = min(parse_rfc3339(row["claimed"]) for row in rows)
        newest = queue.newest_slot(self.reader, name, now)
        ready, later, reasons = [], [], defaultdict(list)
        for ref in refs:
            start = start_of(schedule, ref, began)
            reason = too_late(schedule, slot, began, start, now)
            if reason is None and newest and newest > slot and (now - start).total_seconds() > PROMPT_S:
                reason = f"interrupted, and the slot of {rfc3339(newest)} has begun and stands for it"
            if reason is not None:
                reasons[reason].append(ref)
            elif start <= now:
                ready.append(ref)
            else:
                later.append(start)
        batch = Batch(schedule, slot, tuple(ready), window_end(schedule, began), rows[0]["reason"])
        passed = tuple(Passed(name, slot, tuple(refs), reason) for reason, refs in reasons.items())
        return _Waiting(batch, passed, min(later, default=None))

    def _begin(self, waiting: _Waiting) -> Batch | None:
        """The batch with the clients that we got; None when others were quicker."""
        batch = waiting.batch
        if batch is None or not batch.refs:
            return None
        taken = queue.take(self.store, batch.schedule.name, batch.slot, batch.refs)
        return replace(batch, refs=tuple(taken)) if taken else None


@dataclass(frozen=True)
class _Waiting:
    """One slot's waiting clients, sorted."""

    batch: Batch | None
    passed: tuple[Passed, ...]
    next_start: datetime | None


def _for_nobody(due: Due) -> Due:
    return replace(due, begins=False, reason=due.reason or "its targets match no client")
