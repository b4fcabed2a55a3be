"""``verify_full_every`` by itself: images read to their end while nothing else is to be done, the oldest first.

A turn of a master comes once an hour. It reads one image at a time, begins none after half an hour, none beside a
backup in the same directory, and none when a slot is near; what it reads is cut off when the slot comes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.history.event_row import EventRow
from nimwrap.history.model import ImageRow
from nimwrap.history.run_lease import RunLease
from nimwrap.images.reverify import Budget, Check, due_for_full, verify, writing_in

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session

EVERY = timedelta(hours=1)
BEGIN_WITHIN_S = 1800.0
QUIET = timedelta(minutes=30)
"""Nothing is begun when a slot comes sooner than this."""
KIND = "verification"
_DAY = timedelta(days=1)


def verify_due(session: Session, next_slot: datetime | None, wanted: Callable[[], bool] = lambda: True) -> list[str]:
    """One turn for each master that has had none within the hour; returns sentences about what was found.

    ``wanted`` turning false ends it before the next image. Nothing is raised: what could not be done comes again.
    """
    said: list[str] = []
    for master in session.hosts:
        now = session.clock.now()
        if next_slot is not None and next_slot - now < QUIET:
            break
        rows = due_for_full(session.reader.images(master), session.config, now)
        turns = [row for row in session.reader.noted(KIND, now - _DAY) if row.master == master]
        if not rows or not wanted() or any(row.at > rfc3339(now - EVERY) for row in turns):
            continue
        try:
            with RunLease(session.config.state_dir, f"verify-{master}"):
                said += _turn(session, master, _slow_last(rows, turns), next_slot, wanted)
        except NimwrapError as error:
            if error.code != "locked":  # another nimwrap is at it
                said.append(f"{master}: images are not verified: {error.message}")
    return said


def _slow_last(rows: list[ImageRow], turns: list[EventRow]) -> list[ImageRow]:
    """Images that a turn of this day could not read in time go behind those that it did not come to."""
    slow = {number for turn in turns for number in (turn.data or {}).get("left", [])}
    return sorted(rows, key=lambda row: row.id in slow)


def _turn(
    session: Session, master: str, rows: list[ImageRow], next_slot: datetime | None, wanted: Callable[[], bool]
) -> list[str]:
    context = session.master_context(master)
    began = session.clock.monotonic()
    checks: list[Check] = []
    for row in rows:
        if not wanted() or session.clock.stop.is_set() or session.clock.monotonic() - began > BEGIN_WITHIN_S:
            break
        busy = writing_in(context, session.reader)
        checks += verify(context, [row], [row], busy, Budget(lambda: _left(session, next_slot)), session.clock.now())
    read = [check.row.id for check in checks if check.ok is not None]
    left = [check.row.id for check in checks if check.ok is None]
    waiting = len(rows) - len(read)
    text = f"{len(read)} image{'' if len(read) == 1 else 's'} read to the end"
    text += f", {waiting} more due" if waiting else ""
    context.note(None, KIND, text, {"read": read, "left": left}, at=session.clock.now())
    faults = [f"{_name(check)}: {check.fault}" for check in checks if check.fault]
    return [f"{master}: {sentence}" for sentence in ([text] if read else []) + faults]


def _left(session: Session, next_slot: datetime | None) -> float | None:
    return None if next_slot is None else (next_slot - session.clock.now()).total_seconds()


def _name(check: Check) -> str:
    return str(check.row.resource or check.row.location)
