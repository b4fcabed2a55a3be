"""One drill from its row to the moment at which nothing of it is left, and one that a crash left half way."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from nimwrap.config.model import SandboxConfig
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.drills.base import NO_SANDBOX, DrillEnd, DrillLevel, DrillOutcome, DrillWork
from nimwrap.drills.levels import LEVELS
from nimwrap.drills.sandbox_rules import refusal
from nimwrap.failpoints import failpoint
from nimwrap.history.drill_row import DrillRow
from nimwrap.history.model import ImageRow
from nimwrap.jobs.detached_job import JobState, clear_job, look_at, run_job
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class DrillResult:
    """What came of one drill. ``skipped`` and ``refused``: nothing was begun; ``left``: why something of it stays."""

    row: ImageRow
    level: str
    end: DrillEnd
    took_s: float | None = None
    skipped: bool = False
    refused: bool = False
    left: str = ""


def run_drill(
    context: MasterContext, row: ImageRow, level: DrillLevel, sandbox: SandboxConfig = NO_SANDBOX
) -> DrillResult:
    """Carry out one drill under the locks of the image's client and of the sandbox.

    Raises Interrupted when told to leave; it goes on.
    """
    if level.needs and (why := refusal(context, row, sandbox, level.needs)):
        return DrillResult(row, level.name, DrillEnd(why), refused=True)
    with ExitStack() as stack:
        locked = _locked(context, stack, row, sandbox, "drill")
        if isinstance(locked, Failure):
            return DrillResult(row, level.name, DrillEnd(locked), skipped=True)
        try:
            number = context.store.begin_drill(row, level.name, sandbox.name or None, context.clock.now())
            work = DrillWork(locked, row, number, sandbox)
            failpoint("drill begun")
            began = context.clock.monotonic()
            end = level.judge(work, run_job(locked, level.job(work)))
            took = context.clock.monotonic() - began
            return DrillResult(row, level.name, end, round(took, 1), left=_ended(work, level, end, took))
        except NimwrapError as error:
            end = DrillEnd(Failure(FailureCode.of(error.code), error.message, error.hint))
            return DrillResult(row, level.name, end, left="nimwrap recover finishes it")


def _locked(
    context: MasterContext, stack: ExitStack, row: ImageRow, sandbox: SandboxConfig, purpose: str
) -> MasterContext | Failure:
    """The context under the lock of the image's client, with that of the sandbox taken too; or why not."""
    locked = stack.enter_context(client_locked(context, row.client, purpose))
    if isinstance(locked, Failure) or not sandbox.client:
        return locked
    there = stack.enter_context(client_locked(context, sandbox.client, purpose))
    return there if isinstance(there, Failure) else locked


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
        sandbox = context.config.sandboxes.get(drill.sandbox) if drill.sandbox else NO_SANDBOX
        if sandbox is None:
            done.append(f"drill {drill.id} is not cleared away: [sandboxes.{drill.sandbox}] is gone")
        elif (
            images
            and level is not None
            and (said := _settled(context, drill, DrillWork(context, images[0], drill.id, sandbox), level))
        ):
            done.append(said)
    return done


def _settled(context: MasterContext, drill: DrillRow, foreseen: DrillWork, level: DrillLevel) -> str:
    row = foreseen.row
    with ExitStack() as stack:
        locked = _locked(context, stack, row, foreseen.sandbox, "settle-drill")
        if isinstance(locked, Failure):
            return ""
        work = replace(foreseen, context=locked)
        if drill.ended:
            left = _cleared(work, level)
            return left or f"{row.location}: what a drill had left is gone"
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
