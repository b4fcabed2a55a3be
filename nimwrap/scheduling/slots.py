"""Which slots are due, and what becomes of each: pure rules over instants that are passed in.

A slot's id is the UTC instant it was meant for. What has been done with it stands in the history, so a clock that
steps back brings no slot twice, and one that steps forward brings no slot silently past.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from nimwrap.domain.durations import format_duration
from nimwrap.domain.local_time import local_text
from nimwrap.domain.ref import ClientRef
from nimwrap.scheduling.model import Schedule

PROMPT_S = 60
"""A slot begun within this is on time. Later is late, needs ``catch_up`` and is recorded with its lateness."""
FIRST_SIGHT_S = 86400
"""How far back a schedule without any history is looked at when its ``catch_up`` is shorter."""


@dataclass(frozen=True)
class Due:
    """One slot that has come: it begins, or it is ``missed`` for ``reason``. A late beginning has a reason too."""

    slot: datetime
    begins: bool
    reason: str | None = None
    known: bool = True
    """False for a slot from before nimwrap first saw the schedule: recorded, but nobody's fault."""
    on_purpose: bool = False
    """It does not begin because of a blackout."""

    @property
    def state(self) -> str:
        """In a word: ``begun``, ``skipped`` (on purpose) or ``missed``."""
        return "begun" if self.begins else "skipped" if self.on_purpose else "missed"


def due_slots(schedule: Schedule, newest_known: datetime | None, now: datetime) -> list[Due]:
    """What is to be done now about every slot after ``newest_known`` up to ``now``, oldest first.

    ``newest_known`` is the newest slot not later than ``now`` that the history holds; None when it holds none: then
    only the latest slot counts. Of several, the last may begin and the others are missed: nobody wants two images of
    one client back to back.
    """
    if newest_known is None:
        latest = schedule.clock.latest(now)
        reach = max(schedule.catch_up, FIRST_SIGHT_S)
        slots = [latest] if latest and (now - latest).total_seconds() <= reach else []
    else:
        slots = list(takewhile(lambda slot: slot <= now, schedule.clock.after(newest_known)))
    judged = [_judged(schedule, slot, now, newest_known is not None) for slot in slots]
    if judged and judged[-1].begins:
        stands = f"the slot of {local_text(slots[-1])} was due as well and stands for it"
        return [*(Due(slot, False, stands) for slot in slots[:-1]), judged[-1]]
    return judged


def _judged(schedule: Schedule, slot: datetime, now: datetime, seen_before: bool) -> Due:
    late_s = (now - slot).total_seconds()
    if late_s <= PROMPT_S:
        return Due(slot, True)
    late = format_duration(late_s)
    if late_s <= schedule.catch_up:
        return Due(slot, True, f"begun {late} late")
    limit = format_duration(max(schedule.catch_up, PROMPT_S))
    first = "" if seen_before else ", when nimwrap first saw this schedule"
    return Due(slot, False, f"noticed {late} late{first}; catch_up allows {limit}", seen_before)


def start_of(schedule: Schedule, ref: ClientRef, began: datetime) -> datetime:
    """When ``ref`` may start in a slot whose run really began at ``began``: the same share of the jitter every time."""
    if not schedule.jitter:
        return began
    import hashlib  # a fortieth of a read-only command's start

    digest = hashlib.sha256(f"{schedule.name}\n{ref}".encode()).digest()
    return began + timedelta(seconds=int.from_bytes(digest[:8], "big") % (schedule.jitter + 1))


def window_end(schedule: Schedule, began: datetime) -> datetime | None:
    """After this nothing of the slot may start; None when the schedule has no window."""
    return began + timedelta(seconds=schedule.window) if schedule.window is not None else None


def too_late(schedule: Schedule, slot: datetime, began: datetime, start: datetime, now: datetime) -> str | None:
    """Why a client of a slot that has begun may not start any more; None while it may.

    With a window, that decides. Without one, a client that is past its start (nimwrap was down in between) may still
    begin within ``catch_up`` of the slot.
    """
    end = window_end(schedule, began)
    if end is not None:
        return f"the window ended at {local_text(end)} before it could start" if now > end else None
    if (now - start).total_seconds() <= PROMPT_S or (now - slot).total_seconds() <= schedule.catch_up:
        return None
    return f"nimwrap was interrupted and came back after catch_up ({format_duration(schedule.catch_up)}) had passed"


def upcoming(schedule: Schedule, now: datetime, until: datetime) -> Iterator[datetime]:
    """The slots after ``now`` up to ``until``, in order."""
    return takewhile(lambda slot: slot <= until, schedule.clock.after(now))
