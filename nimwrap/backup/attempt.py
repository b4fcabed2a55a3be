"""One attempt: planned and written down, started detached, followed, concluded, recorded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from nimwrap.backup import spool
from nimwrap.backup.attempt_planner import command_and_undo
from nimwrap.backup.attempt_record import AttemptResult
from nimwrap.backup.cancel_request import refuse_cancelled
from nimwrap.backup.finalize import denied_from
from nimwrap.backup.operation import Start, Started, StartUnknown, start
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.recovery_acts import finish
from nimwrap.backup.recovery_seen import LockIs, OwnerIs, WishIs
from nimwrap.backup.unfinished_attempt import UnfinishedAttempt
from nimwrap.config.image_limits import limits_of
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.clock import Interrupted, NotStarted
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import Attempt, ChangeState, SourceAddress
from nimwrap.domain.ref import ClientRef
from nimwrap.locks.client_locks import lock_lost, owner_text
from nimwrap.master_context import MasterContext
from nimwrap.preflight.engine import recheck_source
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies.base import Work

SLOT_WAIT_S = 5


class OperationOutcomeUnknown(Exception):  # noqa: N818  it is nobody's error yet
    """The operation was started, and its end could not be seen or written down: only recover may end the run."""

    def __init__(self, cause: NimwrapError) -> None:
        super().__init__(cause.message)
        self.cause = cause


def make_image(context: MasterContext, report: PreflightReport, work: Work, plan: AttemptPlan) -> AttemptResult:
    """Make one image by ``plan`` and follow it to its end. No act without its rows first.

    Raises AtLarge when master or history was lost after the start, Unstarted when we were told to leave before it.
    """
    attempt = Attempt(plan.number, context.clock.now(), remedy=plan.remedy)
    limits = limits_of(context.config, ClientRef(plan.master, plan.client))
    plan = replace(plan, limits=tuple((limit.name, limit.max_parallel) for limit in limits))
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
        attempted = _followed(context, plan, attempt)
    except NimwrapError as error:
        raise OperationOutcomeUnknown(error) from error
    failure = attempted.failure
    if is_trouble_of_a_crowd(failure):
        context.parallel.trouble()
    if failure is not None and (failure.code is FailureCode.EXPORT_DENIED or _may_be_failover(report, failure)):
        # Once more after a failure: the address moves with a failover.
        with suppress(NimwrapError):
            now = recheck_source(context.host, context.master, report)
            expected = SourceAddress(report.source_address.expected, now.actual, now.method)
            failure = after_failover(denied_from(failure, expected), report, now.actual)
            attempted = replace(attempted, failure=failure)
    return attempted


def is_trouble_of_a_crowd(failure: Failure | None) -> bool:
    """Whether an image that was being made ended as it does where the master's NFS answers nobody any more.

    Who stalls or is timed out has been counted when that was seen.
    """
    return failure is not None and failure.code is FailureCode.CLIENT_UNREACHABLE


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


def _followed(context: MasterContext, plan: AttemptPlan, attempt: Attempt) -> AttemptResult:
    """The started operation, brought to its end by the table that everybody goes by."""
    case = UnfinishedAttempt(
        context,
        plan.run,
        plan,
        plan.run,
        OperationStatus(room=True, alive=True),
        owner=OwnerIs.SELF,
        wish=WishIs.FOLLOW,
        lock=LockIs.OURS,
        attempt=attempt,
        change_open=plan.change is not None,
    )
    finish(case)
    assert case.recorded is not None  # noqa: S101  the table ends an own attempt with its record
    return case.recorded


def failure_of(error: NimwrapError) -> Failure:
    """An error as the failure of a run."""
    return Failure(FailureCode.of(error.code), error.message, error.hint)


def _start(context: MasterContext, plan: AttemptPlan, command: str, undo: str | None) -> Failure | None:
    """Start the operation, waiting for a slot while others use them all."""
    cleared, began = False, context.clock.monotonic()
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
            if context.clock.monotonic() - began > 2 * plan.timeout_s:
                return _never_free(plan, started)
            context.tell(Progress(plan.run, "waiting", plan.client, note=_taken(started)))
            with context.stopwatch.waiting():
                context.clock.sleep(SLOT_WAIT_S)
        else:
            return _no_start(plan, started)


def _taken(started: Started) -> str:
    """What there is to wait for."""
    if started.limit:
        return f"the limit {started.limit} is used up on this master"
    return "all image slots of this master are taken"


def _never_free(plan: AttemptPlan, started: Started) -> Failure:
    return Failure(
        FailureCode.LOCKED,
        f"{_taken(started)} ({plan.master}), and that for twice the timeout; nothing was started",
        "nimwrap doctor and nimwrap recover name who holds them",
        started.text,
    )


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
