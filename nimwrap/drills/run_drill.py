"""One drill from its row to the moment at which nothing of it is left, and one that a crash left half way."""

from __future__ import annotations

from dataclasses import dataclass

from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.drills.base import DrillEnd, DrillLevel, DrillOutcome, DrillWork
from nimwrap.drills.levels import LEVELS
from nimwrap.failpoints import failpoint
from nimwrap.history.drill_row import DrillRow
from nimwrap.history.model import ImageRow
from nimwrap.jobs.detached_job import JobState, clear_job, look_at, run_job
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class DrillResult:
    """What came of one drill. ``skipped``: nothing was begun; ``left``: why something of it stays for `recover`."""

    row: ImageRow
    level: str
    end: DrillEnd
    took_s: float | None = None
    skipped: bool = False
    left: str = ""


def run_drill(context: MasterContext, row: ImageRow, level: DrillLevel) -> DrillResult:
    """Carry out one drill under the lock of its image's client. Raises Interrupted when told to leave; it goes on."""
    with client_locked(context, row.client, "drill") as locked:
        if isinstance(locked, Failure):
            return DrillResult(row, level.name, DrillEnd(locked), skipped=True)
        try:
            number = context.store.begin_drill(row, level.name, None, context.clock.now())
            work = DrillWork(locked, row, number)
            failpoint("drill begun")
            began = context.clock.monotonic()
            end = level.judge(work, run_job(locked, level.job(work)))
            took = context.clock.monotonic() - began
            return DrillResult(row, level.name, end, round(took, 1), left=_ended(work, level, end, took))
        except NimwrapError as error:
            end = DrillEnd(Failure(FailureCode.of(error.code), error.message, error.hint))
            return DrillResult(row, level.name, end, left="nimwrap recover finishes it")


def _ended(work: DrillWork, level: DrillLevel, end: DrillEnd, took_s: float | None) -> str:
    """Record how it ended, then take away what is left of it; why something stays."""
    context, at = work.context, work.context.clock.now()
    outcome = DrillOutcome.OK if end.failure is None else DrillOutcome.FAILED
    reason = end.failure.message if end.failure else None
    context.store.update_drill(
        work.number, outcome=outcome, reason=reason, evidence=list(end.evidence), ended=at, took_s=took_s
    )
    name = work.row.resource or work.row.location
    took = f" in {took_s:.0f} s" if took_s is not None else ""
    text = f"{name}: drill of level {level.name} {outcome}{took}{f': {reason}' if reason else ''}"
    context.note(work.row.run, Act("drill", ActName.DRILL, name), text, {"image": work.row.id, "drill": work.number})
    return _cleared(work, level)


def _cleared(work: DrillWork, level: DrillLevel) -> str:
    failpoint("drill clears")
    left = level.clear(work)
    if not left:
        clear_job(work.context, level.job(work))
        work.context.store.update_drill(work.number, cleared=work.context.clock.now())
    return left


def settle_drills(context: MasterContext) -> list[str]:
    """Finish the drills of this master that nobody works on; one whose job still runs goes on. What was done."""
    done: list[str] = []
    for drill in context.queries.drills_left(context.master.name):
        images, level = context.queries.images_by_id([drill.image]), LEVELS.get(drill.level)
        if images and level is not None and (said := _settled(context, drill, images[0], level)):
            done.append(said)
    return done


def _settled(context: MasterContext, drill: DrillRow, row: ImageRow, level: DrillLevel) -> str:
    with client_locked(context, drill.client, "settle-drill") as locked:
        if isinstance(locked, Failure):
            return ""
        work = DrillWork(locked, row, drill.id)
        if drill.ended:
            left = _cleared(work, level)
            return "" if left else f"{row.location}: what a drill had left is gone"
        status = look_at(locked, level.job(work))
        if status.state is JobState.RUNNING:
            return ""
        end = level.judge(work, status) if status.state is JobState.DONE else _interrupted(row)
        left = _ended(work, level, end, None)
    word = end.failure.message if end.failure else "ok"
    return f"{row.location}: a drill was interrupted: {word}{f'; {left}' if left else ''}"


def _interrupted(row: ImageRow) -> DrillEnd:
    why = "the drill was interrupted before its end; it proves nothing"
    return DrillEnd(Failure(FailureCode.KILLED, why, f"nimwrap images drill {row.client}"))
