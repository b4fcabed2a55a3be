"""One look at all schedules: open what is due, say what is missed, and take the clients that may start now.

All that counts stands in the history's ``slots``; this keeps nothing in between, so that any number of processes may
look at any time, be killed at any time, and find the clock set forward or back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nimwrap.clients.blackouts import Blackout
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.local_time import local_text
from nimwrap.domain.records import ClientRef
from nimwrap.history.model import SlotRow
from nimwrap.history.slot_claims import MISSED, SKIPPED, Opening, SlotClaims
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.slots import PROMPT_S, Due, due_slots, start_of, too_late, window_end

_NOWHERE = "no master lists this client, or several do: write it as master/client"
_UNREACHABLE = "this master could not be asked for its clients, and none of them is known yet"
_REACH = timedelta(days=3)
"""So far back a killed run may still be made good within its slot's window or ``catch_up``."""


@dataclass(frozen=True)
class Batch:
    """Clients of one slot, claimed by this process: each starts at its own instant, none after ``window_ends``."""

    schedule: Schedule
    slot: datetime
    starts: Mapping[ClientRef, datetime]
    window_ends: datetime | None
    late: str | None = None


@dataclass(frozen=True)
class OpenedSlot:
    """One slot that has come, as it was recorded: begun or missed, and for whom.

    ``for_nobody``: its targets match no client, and everybody who could say so was asked.
    """

    schedule: str
    due: Due
    refs: tuple[ClientRef, ...]
    for_nobody: bool = False


@dataclass(frozen=True)
class MissedSlot:
    """Clients of a slot that had begun who may not start any more; ``on_purpose``: because of a blackout."""

    schedule: str
    slot: datetime
    refs: tuple[ClientRef, ...]
    reason: str
    on_purpose: bool = False

    @property
    def state(self) -> str:
        """As its rows have it."""
        return SKIPPED if self.on_purpose else MISSED


@dataclass(frozen=True)
class ClaimResult:
    """What one look did."""

    batches: list[Batch] = field(default_factory=list)
    opened: list[OpenedSlot] = field(default_factory=list)
    passed: list[MissedSlot] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


@dataclass
class SlotClaimer:
    """``targets`` finds the clients that a schedule means now; a name that no master knows is one too.

    Where it raises NimwrapError nobody can say yet who is meant: the slot stays unopened, to be tried at the next look
    for as long as it may begin.
    """

    slots: SlotClaims
    targets: Callable[[Schedule], Sequence[ClientRef]]
    wait_s: Callable[[Schedule, Sequence[ClientRef], datetime], float] = lambda schedule, refs, began: 0.0
    """How long after its beginning a slot's first client starts."""
    blackout: Callable[[ClientRef, datetime], Blackout | None] = lambda ref, moment: None
    """The blackout that a client is in at a moment."""

    def claim_due(
        self, schedules: Mapping[str, Schedule], now: datetime, *, resting: Collection[str] = ()
    ) -> ClaimResult:
        """Do what is due at ``now``, but nothing for the schedules named in ``resting``.

        What it returns in ``batches`` is ours to run, and nobody else's.
        """
        look = ClaimResult()
        try:
            for schedule in schedules.values():
                if schedule.name not in resting:
                    self._open(schedule, now, look)
            waiting: dict[tuple[str, str], list[SlotRow]] = defaultdict(list)
            for row in self.slots.pending(now - _REACH):
                waiting[row.schedule, row.slot].append(row)
            for (name, _), rows in waiting.items():
                if name not in resting:
                    self._take(schedules.get(name), name, rows, now, look)
        except NimwrapError as error:  # what was taken before is ours, and nobody else would run it
            look.troubles.append(error)
        return look

    def _open(self, schedule: Schedule, now: datetime, look: ClaimResult) -> None:
        """Write the rows of every slot that has come since the newest that has any."""
        found = due_slots(schedule, self.slots.newest_slot(schedule.name, now), now)
        if not found:
            return
        try:
            refs = tuple(self.targets(schedule))
            for_nobody = not refs
        except NimwrapError as error:
            look.troubles.append(error)
            refs, for_nobody = (), False
            found = [replace(due, reason=f"{due.reason}; {error.message}") for due in found if not due.begins]
        found = [self._unless_black(due, refs, now) if refs else _for_nobody(due) for due in found]
        for due in found:
            opening = Opening(schedule.name, due.slot, refs, not due.begins, due.reason, due.on_purpose)
            if self.slots.open_slot(opening, now):
                look.opened.append(OpenedSlot(schedule.name, due, refs, for_nobody))
        for ref in refs:
            if found[-1].begins and (why := unresolved_target(ref)):
                self.slots.end(schedule.name, found[-1].slot, [ref], "failed", why)

    def _unless_black(self, due: Due, refs: Sequence[ClientRef], now: datetime) -> Due:
        """The same, or skipped on purpose when all of its clients are in a blackout, at the slot or now."""
        found = [self._black(ref, due.slot, now) for ref in refs] if due.begins else []
        why = found[0] if all(found) and found else None
        return replace(due, begins=False, on_purpose=True, reason=why.why) if why else due

    def _black(self, ref: ClientRef, *moments: datetime) -> Blackout | None:
        return next((found for moment in moments if (found := self.blackout(ref, moment))), None)

    def _take(
        self, schedule: Schedule | None, name: str, rows: Sequence[SlotRow], now: datetime, look: ClaimResult
    ) -> None:
        """Claim those of one slot's waiting clients that may still start; close the rows of the others."""
        batch, passed = self._sort(schedule, name, rows, now)
        for each in passed:
            self.slots.end(name, each.slot, each.refs, each.state, each.reason)
        look.passed.extend(passed)
        if batch is not None and batch.starts:
            taken = self.slots.take(name, batch.slot, batch.starts)
            if taken:  # else others were quicker
                look.batches.append(replace(batch, starts={ref: batch.starts[ref] for ref in taken}))

    def _sort(
        self, schedule: Schedule | None, name: str, rows: Sequence[SlotRow], now: datetime
    ) -> tuple[Batch | None, list[MissedSlot]]:
        """Who of one slot's waiting clients may still start, and who not any more and why."""
        slot = parse_rfc3339(rows[0].slot)
        ended = {ClientRef(row.master, row.client) for row in rows if row.run}  # killed runs: no row to close
        refs = [ClientRef(row.master, row.client) for row in rows]
        if schedule is None:
            gone = tuple(ref for ref in refs if ref not in ended)
            return None, [MissedSlot(name, slot, gone, "the schedule is no longer in the files")] if gone else []
        began = min(parse_rfc3339(row.claimed) for row in rows)
        newest = self.slots.newest_slot(name, now)
        wait = timedelta(seconds=self.wait_s(schedule, refs, began))
        starts: dict[ClientRef, datetime] = {}
        reasons: dict[tuple[str, bool], list[ClientRef]] = defaultdict(list)
        for ref in refs:
            start = start_of(schedule, ref, began) + wait
            reason = too_late(schedule, slot, began, start, now)
            if reason is None and newest and newest > slot and (now - start).total_seconds() > PROMPT_S:
                reason = f"interrupted, and the slot of {local_text(newest)} has begun and stands for it"
            black = None if reason else self._black(ref, slot, max(start, now))
            why = black.why if black else reason
            if why is None:
                starts[ref] = start
            elif ref not in ended:
                reasons[why, black is not None].append(ref)
        batch = Batch(schedule, slot, starts, window_end(schedule, began), rows[0].reason)
        passed = [MissedSlot(name, slot, tuple(refs), *reason) for reason, refs in reasons.items()]
        return batch, passed


def unresolved_target(ref: ClientRef) -> str | None:
    """Why nobody can back up one whom a schedule means; None of a client."""
    if not ref.master:
        return _NOWHERE
    return None if ref.client else _UNREACHABLE


def _for_nobody(due: Due) -> Due:
    why = "its targets match no client"
    return replace(due, begins=False, reason=why if due.begins else due.reason or why)
