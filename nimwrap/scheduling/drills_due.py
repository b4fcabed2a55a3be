"""``drill_every`` by itself: drills of level extract while nothing else is to be done.

It keeps away from slots as the verification does. A drill that a slot overtakes goes on: it only reads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.domain.errors import NimwrapError
from nimwrap.drills.drill_choice import due_drills
from nimwrap.drills.levels import LEVELS
from nimwrap.drills.run_drill import run_drill
from nimwrap.history.model import ImageRow
from nimwrap.history.run_lease import RunLease
from nimwrap.images.reverify import writing_in
from nimwrap.scheduling.full_verification import BEGIN_WITHIN_S, QUIET, verify_due

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session

LEVEL = "extract"
"""The one level that needs no sandbox."""


def verify_and_drill(
    session: Session, next_slot: datetime | None, wanted: Callable[[], bool] = lambda: True
) -> list[str]:
    """What is done about finished images while nothing else is to be done; sentences about what was found."""
    return verify_due(session, next_slot, wanted) + drill_due(session, next_slot, wanted)


def drill_due(session: Session, next_slot: datetime | None, wanted: Callable[[], bool] = lambda: True) -> list[str]:
    """One turn for each master; ``wanted`` turning false ends it before the next drill. Nothing is raised."""
    said: list[str] = []
    last = session.reader.last_drills()
    for master in session.hosts:
        rows = due_drills(session.config, session.reader.images(master), last, session.clock.now())
        if not rows or not wanted():
            continue
        try:
            with RunLease(session.config.state_dir, f"drills-{master}"):
                said += _turn(session, master, rows, lambda: wanted() and not _slot_near(session, next_slot))
        except NimwrapError as error:
            if error.code != "locked":  # another nimwrap is at it
                said.append(f"{master}: no drills: {error.message}")
    return said


def _slot_near(session: Session, next_slot: datetime | None) -> bool:
    return next_slot is not None and next_slot - session.clock.now() < QUIET


def _turn(session: Session, master: str, rows: list[ImageRow], wanted: Callable[[], bool]) -> list[str]:
    context, said = session.master_context(master), []
    began = session.clock.monotonic()
    for row in rows:
        if not wanted() or session.clock.stop.is_set() or session.clock.monotonic() - began > BEGIN_WITHIN_S:
            break
        if writing_in(context, session.reader):
            break
        result = run_drill(context, row, LEVELS[LEVEL])
        if not result.skipped:
            word = result.end.failure.message if result.end.failure else "ok"
            said.append(f"{master}: drill of {row.resource or row.location}: {word}")
    return said
