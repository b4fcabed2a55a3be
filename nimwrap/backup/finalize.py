"""The end of one attempt, from what the master's spool says: its undo written down, its image proven or failure named.

It works from the plan and the spool alone, so that a later process can conclude what another one began.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nimwrap.aix import lsnim
from nimwrap.aix.classify import classify
from nimwrap.aix.nim import archive_warnings, completed
from nimwrap.aix.nim import began as nim_began
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.publish import READ_TO_ITS_END, verify_and_publish
from nimwrap.domain.attempt_plan import NAME_TAKEN, NIM, AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ChangeState, SourceAddress
from nimwrap.images.verification import Proof
from nimwrap.master_context import MasterContext
from nimwrap.remedies.base import EXPORT_FAILED, JOB_LOST
from nimwrap.remedies.undo import UndoStatus

ENDED_BY = {
    "cancelled": Failure(FailureCode.CANCELLED, "the operation was cancelled", "start the backup again when it suits"),
    "timed_out": Failure(
        FailureCode.TIMED_OUT,
        "the operation did not end within its timeout and was ended, client side first",
        "see what it was doing with `nimwrap show RUN`; raise `timeout` if the client is merely slow",
    ),
    "rebooted": Failure(
        FailureCode.KILLED,
        "the master was rebooted before the operation ended",
        "start the backup again; nothing of the broken attempt is left",
    ),
    "killed": Failure(
        FailureCode.KILLED,
        "the operation's wrapper was killed, or the master went down, before the operation ended",
        "start the backup again; nothing of the broken attempt is left",
    ),
}


@dataclass(frozen=True)
class AttemptOutcome:
    """What came of one attempt. ``defined``: NIM knows the image."""

    outcome: Outcome
    failure: Failure | None
    proof: Proof | None = None
    defined: bool = True

    @property
    def good(self) -> bool:
        """There is an image."""
        return self.outcome is not Outcome.FAILED


def finalize_attempt(
    context: MasterContext, plan: AttemptPlan, look: OperationStatus, open_change: str
) -> AttemptOutcome:
    """Judge a finished operation; ``open_change``: why its export still stands, of which a good image warns."""
    if look.output.strip() == NAME_TAKEN:  # nothing was begun, and what bears the name is somebody else's
        return AttemptOutcome(Outcome.FAILED, _name_taken(plan))
    judged = _judge(context, plan, look)
    if open_change and judged.outcome is Outcome.OK:
        return replace(judged, outcome=Outcome.WARNING, failure=still_open(open_change))
    return judged


def still_open(says: str) -> Failure:
    """What a run warns of whose image is good and whose export change is not undone."""
    return Failure(FailureCode.EXPORT_CONFLICT, f"the image is good, but {says}", "nimwrap exports list")


def confirm_undo(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> str:
    """Write down what the undo of the export change said; the empty text when nothing is open any more."""
    change = plan.change
    if change is None or plan.exported is None:
        return ""
    if look.undo_status == UndoStatus.REVERTED:
        state, note, says = ChangeState.REVERTED, "", ""
    elif look.undo_status == UndoStatus.FOREIGN:
        state, note = ChangeState.FOREIGN, look.undo_says
        says = f"the export of {plan.exported} cannot be understood and was left as it is: {look.undo_says}"
    else:
        state, note = ChangeState.APPLIED, look.undo_says or "the undo did not run"
        says = f"the export of {plan.exported} is not reverted: {note}"
    try:
        if look.applied is not None:
            context.store.change_applied(change, look.applied, look.applied_at or look.now or context.clock.now())
        if state is not ChangeState.APPLIED:
            context.store.change_ended(change, state, look.undone_at or look.now or context.clock.now(), note)
    except NimwrapError as error:
        # The export itself is what it is; the row follows with the next recover, from the spool.
        return says or f"the journal could not be written: {error.message}"
    return says


def _judge(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> AttemptOutcome:
    if look.ended_by == "cancelled":
        return AttemptOutcome(Outcome.FAILED, _ended(look))
    said = completed(look.output)
    promising = look.returncode == 0 or said or archive_warnings(look.output) or look.ended_by in READ_TO_ITS_END
    if not promising:
        failure = classify(look.output, look.returncode)
        if failure.code is FailureCode.UNKNOWN and plan.exported and look.returncode == EXPORT_FAILED:
            failure = replace(failure, code=FailureCode.EXPORT_CONFLICT)
        if failure.code is FailureCode.UNKNOWN and plan.exported and look.returncode == JOB_LOST:
            failure = _job_lost(plan, failure)
        if failure.code is FailureCode.UNKNOWN and look.ended_by == "killed":
            failure = _ended(look)
        return AttemptOutcome(Outcome.FAILED, failure)
    proven = verify_and_publish(context, plan, look)
    if proven.outcome is Outcome.FAILED and look.ended_by == "timed_out" and not said:
        return AttemptOutcome(Outcome.FAILED, _ended(look))  # what it left is no image, as was to be expected
    return AttemptOutcome(proven.outcome, proven.failure, proven.proof, defined=proven.defined)


def _job_lost(plan: AttemptPlan, failure: Failure) -> Failure:
    return Failure(
        FailureCode.CLIENT_JOB_LOST,
        f"the job on {plan.client} ended without a result, by whatever way it was started",
        f"see on {plan.client} whether it was rebooted (uptime) and what ends the processes that nimsh starts",
        failure.evidence,
    )


def _name_taken(plan: AttemptPlan) -> Failure:
    return Failure(
        FailureCode.NIM_REFUSED,
        f"{plan.location} is there already, and was left as it is",
        "start the backup again: it takes a new name; if it was not made a moment ago, see whether the clock was set",
    )


def _ended(look: OperationStatus) -> Failure:
    how = look.ended_by or "killed"
    how = "rebooted" if how == "killed" and look.rebooted else how
    return replace(ENDED_BY[how], evidence=look.output[-4000:])


_WORDS_OF_NIM = frozenset({FailureCode.UNKNOWN, FailureCode.NIM_REFUSED, FailureCode.WRITE_DENIED})


def begun(plan: AttemptPlan, look: OperationStatus) -> bool:
    """Whether anything was begun on the client: NIM may have refused before."""
    return plan.method != NIM or nim_began(look.output)


def busy_instead(failure: Failure | None, plan: AttemptPlan, cstate: str) -> Failure | None:
    """A refusal of NIM beside the state that it has the client in: one that is not ready is busy, whatever was said."""
    if failure is None or failure.code not in _WORDS_OF_NIM or not cstate or lsnim.is_ready(cstate):
        return failure
    return replace(
        failure,
        code=FailureCode.CLIENT_BUSY,
        message=f"NIM has {plan.client} at another operation ({cstate}): {failure.message}",
        fix=f"wait for that operation; if none runs: on the master, nim -Fo reset -a force=yes {plan.client}",
    )


def denied_from(failure: Failure, source: SourceAddress) -> Failure:
    """A denial seen beside the addresses: when they differ, that is the cause, whatever the mount said."""
    if failure.code is not FailureCode.EXPORT_DENIED or not source.actual or source.actual == source.expected:
        return failure
    return replace(
        failure,
        code=FailureCode.SOURCE_ADDRESS_MISMATCH,
        message=f"the client's packets leave from {source.actual}, "
        f"NIM's export admits {source.expected}: {failure.message}",
    )
