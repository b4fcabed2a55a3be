"""The end of one attempt, from what the master's spool says: undo confirmed, image proven or failure named, all clean.

It works from the plan and the spool alone, so that a later process can conclude what another one began.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nimwrap.aix import lsnim
from nimwrap.aix.classify import classify
from nimwrap.aix.nim import archive_warnings, completed
from nimwrap.aix.nim import began as nim_began
from nimwrap.backup.cleanup import NOTHING_SEEN, EndSeen, clean_up, clear_client
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.publish import READ_TO_ITS_END, verify_and_publish
from nimwrap.backup.undo_from_journal import undo_by_plan
from nimwrap.domain.attempt_plan import NAME_TAKEN, NIM, AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ChangeState, SourceAddress
from nimwrap.images.verification import Proof
from nimwrap.master_context import MasterContext
from nimwrap.remedies.base import EXPORT_FAILED, JOB_LOST
from nimwrap.remedies.undo import UNDONE, UndoStatus

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
    """What came of one attempt. ``left``: what could not be cleaned; ``open_change``: why the export still stands;
    ``seen``: the client as it was then, for whoever cleans up later; ``defined``: NIM knows the image."""

    outcome: Outcome
    failure: Failure | None
    proof: Proof | None = None
    left: tuple[str, ...] = ()
    open_change: str = ""
    seen: EndSeen = NOTHING_SEEN
    defined: bool = True


def finalize_attempt(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> AttemptOutcome:
    """Judge a finished operation and leave the place clean."""
    open_change = confirm_undo(context, plan, look)
    if look.output.strip() == NAME_TAKEN:  # nothing was begun, and what bears the name is somebody else's: hands off
        return AttemptOutcome(Outcome.FAILED, _name_taken(plan), open_change=open_change)
    concluded = _judge(context, plan, look)
    if concluded.outcome is Outcome.FAILED:
        begun = plan.method != NIM or nim_began(look.output)
        cleaning = clean_up(context, plan, begun=begun)
        failure = concluded.failure if begun else _busy_instead(concluded.failure, plan, cleaning.seen.cstate)
        concluded = replace(concluded, failure=failure, left=tuple(cleaning.left), seen=cleaning.seen)
    elif look.unclean:
        concluded = replace(concluded, left=tuple(clear_client(context, plan)))
    if open_change and concluded.outcome is Outcome.OK:
        concluded = replace(concluded, outcome=Outcome.WARNING, failure=still_open(open_change))
    return replace(concluded, open_change=open_change)


def still_open(says: str) -> Failure:
    """What a run warns of whose image is good and whose export change is not undone."""
    return Failure(FailureCode.EXPORT_CONFLICT, f"the image is good, but {says}", "nimwrap exports list")


def confirm_undo(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> str:
    """Write down what became of the export change; the empty text when nothing is open any more."""
    change = plan.change
    if change is None or plan.exported is None:
        return ""
    try:
        look = look if _undo_has_spoken(look) else _with_undo(look, undo_by_plan(context, plan, look.applied or ""))
    except NimwrapError as error:
        return error.message
    state, note, says = ChangeState.REVERTED, "", ""
    if look.undo_status == UndoStatus.FOREIGN:
        state, note = ChangeState.FOREIGN, look.undo_says
        says = f"the export of {plan.exported} cannot be understood and was left as it is: {look.undo_says}"
    elif look.undo_status != UndoStatus.REVERTED:
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


def _undo_has_spoken(look: OperationStatus) -> bool:
    """Whether an undo read the export and said how it stands: that its file is gone, or empty, says nothing."""
    return look.undo and (look.undo_status != UndoStatus.REVERTED or look.undo_says == UNDONE)


def _with_undo(look: OperationStatus, undone: OperationStatus) -> OperationStatus:
    return replace(
        look, undo=True, undo_status=undone.undo_status, undo_says=undone.undo_says, undone_at=undone.undone_at
    )


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


_WORDS_OF_NIM = frozenset({FailureCode.UNKNOWN, FailureCode.NIM_REFUSED, FailureCode.WRITE_DENIED})


def _busy_instead(failure: Failure | None, plan: AttemptPlan, cstate: str) -> Failure | None:
    """A refusal of NIM beside the state that it has the client in: one that is not ready is busy, whatever was said."""
    if failure is None or failure.code not in _WORDS_OF_NIM or cstate in ("", lsnim.READY):
        return failure
    return replace(
        failure,
        code=FailureCode.CLIENT_BUSY,
        message=f"NIM has {plan.client} at another operation ({cstate}): {failure.message}",
        fix=f"wait for that operation; if none runs: on the master, nim -Fo reset -a force=yes {plan.client}",
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
