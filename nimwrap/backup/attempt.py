"""One attempt: planned and written down, started detached, followed, concluded, recorded."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace

from nimwrap.backup import spool
from nimwrap.backup.attempt_planner import command_and_undo
from nimwrap.backup.cancel_request import refuse_cancelled
from nimwrap.backup.finalize import AttemptOutcome, denied_from, finalize_attempt
from nimwrap.backup.operation import Start, Started, StartUnknown, follow, start
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.clock import Interrupted, NotStarted
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import Attempt, ChangeState, Image, SourceAddress
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.image_fault import fault_columns
from nimwrap.images.sightings import identity_columns
from nimwrap.locks.client_locks import lock_lost, owner_text
from nimwrap.locks.lock_scripts import free_slots_script
from nimwrap.master_context import MasterContext
from nimwrap.preflight.engine import recheck_source
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies.base import Work

SLOT_WAIT_S = 5
_JOB_WAY = re.compile(r"^nw_job_(lost|way)=(\w+)$", re.MULTILINE)


class OperationOutcomeUnknown(Exception):  # noqa: N818  it is nobody's error yet
    """The operation was started, and its end could not be seen or written down: only recover may end the run."""

    def __init__(self, cause: NimwrapError) -> None:
        super().__init__(cause.message)
        self.cause = cause


@dataclass(frozen=True)
class AttemptResult:
    attempt: Attempt
    outcome: Outcome
    failure: Failure | None
    image: Image | None = None


def make_image(context: MasterContext, report: PreflightReport, work: Work, plan: AttemptPlan) -> AttemptResult:
    """Make one image by ``plan`` and follow it to its end. No act without its rows first.

    Raises AtLarge when master or history was lost after the start, Unstarted when we were told to leave before it.
    """
    attempt = Attempt(plan.number, context.clock.now(), remedy=plan.remedy)
    if plan.exported is not None:
        change = context.store.plan_change(
            plan.run, plan.master, plan.exported, added=list(plan.added), before=plan.before, at=attempt.started
        )
        plan = replace(plan, change=change)
    context.store.begin_attempt(plan.run, attempt, location=plan.location, resource=plan.resource, plan=plan.to_json())
    command, undo = command_and_undo(plan, work)
    try:
        refused = _start(context, plan, command, undo)
    except StartUnknown as error:
        raise OperationOutcomeUnknown(error) from error
    except Interrupted as left:
        _not_started(context, plan, attempt, Failure(FailureCode.CANCELLED, "told to leave before the start"))
        raise NotStarted from left
    except NimwrapError as error:
        refused = failure_of(error)
    if refused is not None:
        return _not_started(context, plan, attempt, refused)
    try:
        context.store.update_run(plan.run, phase="image", remedy=attempt.remedy)
        attempted = record(context, plan, follow(context, plan), attempt)
    except NimwrapError as error:
        raise OperationOutcomeUnknown(error) from error
    failure = attempted.failure
    if failure is not None and (failure.code is FailureCode.EXPORT_DENIED or _may_be_failover(report, failure)):
        # Once more after a failure: the address moves with a failover.
        with suppress(NimwrapError):
            now = recheck_source(context.host, context.master, report)
            expected = SourceAddress(report.source_address.expected, now.actual, now.method)
            failure = after_failover(denied_from(failure, expected), report, now.actual)
            attempted = replace(attempted, failure=failure)
    return attempted


def _may_be_failover(report: PreflightReport, failure: Failure) -> bool:
    """Whether it is worth asking if the client's cluster has moved meanwhile."""
    return report.cluster is not None and failure.code not in (FailureCode.CANCELLED, FailureCode.ARCHIVE_WARNING)


def after_failover(failure: Failure, report: PreflightReport, actual: str | None) -> Failure:
    """The failure of an attempt during which the client's source address moved: that is said with it."""
    before = report.source_address.actual
    if actual is None or before is None or actual == before:
        return failure
    moved = f"a failover in the middle: the client's packets left from {before} when it began, and from {actual} now"
    return replace(failure, message=f"{failure.message} ({moved})")


def failure_of(error: NimwrapError) -> Failure:
    """An error as the failure of a run."""
    return Failure(FailureCode.of(error.code), error.message, error.hint)


def unstarted(why: str) -> Failure:
    """The failure of a run that ended, as ``why`` says, with nothing to follow: its slot may be taken again."""
    message = f"{why} before an operation was started; nothing was changed"
    return Failure(FailureCode.KILLED, message, "start the backup again")


def _start(context: MasterContext, plan: AttemptPlan, command: str, undo: str | None) -> Failure | None:
    """Start the operation, waiting for a slot while others use them all."""
    cleared = False
    while True:
        context.clock.before_start()
        refuse_cancelled(context, plan.run)
        now = replace(plan, max_parallel=context.parallel.at_once(context.master))
        started = start(context, now, command, undo, owner_text(context))
        if started.state is Start.STARTED:
            return None
        if started.state is Start.LOST:
            return lock_lost(context, plan.client, plan.run)
        if started.state is Start.EXISTS and not cleared:
            # An earlier attempt was concluded, and the line was cut before its room could be cleared.
            context.host.run(spool.reset_room(plan))
            cleared = True
        elif started.state is Start.BUSY:
            context.tell(Progress(plan.run, "waiting", plan.client, note="all image slots of this master are taken"))
            with context.stopwatch.waiting():
                context.clock.sleep(SLOT_WAIT_S)
        else:
            return _no_start(plan, started)


def _no_start(plan: AttemptPlan, started: Started) -> Failure:
    if started.state is Start.EXISTS:
        why, fix = f"{plan.room} on {plan.master} still holds an earlier attempt", "nimwrap recover, then start again"
    else:
        why = started.text.splitlines()[0]
        fix = f"make sure {plan.spool} on {plan.master} can be written and has space"
    return Failure(FailureCode.UNKNOWN, f"the operation could not be started: {why}", fix, started.text)


def _not_started(context: MasterContext, plan: AttemptPlan, attempt: Attempt, failure: Failure) -> AttemptResult:
    if plan.change is not None:
        context.store.change_ended(plan.change, ChangeState.REVERTED, context.clock.now(), "never applied")
    ended = replace(attempt, ended=context.clock.now(), failure_code=failure.code)
    context.store.end_attempt(plan.run, ended, output=failure.evidence)
    return AttemptResult(ended, Outcome.LOCKED if failure.code is FailureCode.LOCKED else Outcome.FAILED, failure)


def record(context: MasterContext, plan: AttemptPlan, done: OperationStatus, attempt: Attempt) -> AttemptResult:
    """Conclude a finished operation and write down what came of it; also what a later process calls."""
    context.tell(Progress(plan.run, "proof", plan.client, size_bytes=done.size))
    concluded = finalize_attempt(context, plan, done)
    failure = concluded.failure
    ended = replace(
        attempt, ended=context.clock.now(), returncode=done.returncode, failure_code=failure.code if failure else None
    )
    context.store.end_attempt(plan.run, ended, output=done.output)
    _remember_ways(context, plan, done.output)
    image = _record_image(context, plan, concluded) if concluded.outcome is not Outcome.FAILED else None
    for left in concluded.left:
        context.note(plan.run, "leftover", left)
    _empty_room(context, plan, concluded, failed=image is None)
    return AttemptResult(ended, concluded.outcome, failure, image)


def _remember_ways(context: MasterContext, plan: AttemptPlan, output: str) -> None:
    """What the operation saw of the ways to start a job, once one of them failed; the next run begins with the best."""
    seen = [match.groups() for match in _JOB_WAY.finditer(output)]
    if any(what == "lost" for what, _ in seen):
        with suppress(NimwrapError):
            for what, way in seen:
                context.store.remember_job_way(plan.master, way, context.clock.now(), lost=what == "lost")


def _empty_room(context: MasterContext, plan: AttemptPlan, concluded: AttemptOutcome, *, failed: bool) -> None:
    """After a failure the slot is free and the room gone; what still waits to be cleaned is put aside for recover,
    with what the end saw of the client, so that recover can tell what has come since.

    After a success the room stays until the run is closed: until then it is the only other record of it.
    """
    room, aside = shlex.quote(plan.room), shlex.quote(f"{plan.room}.left-{plan.number}")
    if concluded.left or concluded.open_change:
        keep = f"echo {shlex.quote(concluded.seen.to_json())} > {room}/end; mv {room} {aside}\n"
        context.host.run(f"{PREAMBLE}{free_slots_script(plan.spool, plan.run)}{keep}")
    elif failed:
        context.host.run(spool.reset_room(plan))


def _record_image(context: MasterContext, plan: AttemptPlan, concluded: AttemptOutcome) -> Image:
    proof = concluded.proof
    assert proof is not None  # noqa: S101  an attempt that did not fail was proven
    now = context.clock.now()
    resource = plan.resource if concluded.defined else ""
    image_id = context.store.add_image(
        run=plan.run,
        client=plan.client,
        master=plan.master,
        kind=plan.kind,
        resource=resource or None,
        location=proof.location,
        size_bytes=proof.size_bytes,
        outcome=concluded.outcome,
        verified=proof.good,
        verified_by=list(proof.verified_by),
        verified_at=now,
        node=proof.node,
        machine_id=proof.machine_id,
        oslevel=proof.oslevel,
        file_count=proof.file_count,
        cksum=proof.cksum,
        created=now,
        **fault_columns(None),
        **(identity_columns(proof.identity) if proof.identity else {}),
    )
    context.store.update_run(plan.run, image=image_id)
    return Image(resource, proof.location, proof.size_bytes, proof.good, proof.verified_by, image_id)
