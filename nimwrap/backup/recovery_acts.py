"""What the recovery table says, done: each action on one unfinished attempt, which remembers what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

from nimwrap.backup import operation, spool
from nimwrap.backup.attempt_record import record, unstarted
from nimwrap.backup.cleanup import EndSeen, clean_up, clear_client
from nimwrap.backup.export_journal import undo_lost, undo_planned
from nimwrap.backup.finalize import begun, busy_instead, confirm_undo, finalize_attempt, still_open
from nimwrap.backup.post_backup import apply_name_and_retention, give_back_with_kit, warned
from nimwrap.backup.recovery_seen import DirectoryIs, LockIs, OwnerIs, RunIs
from nimwrap.backup.recovery_table import Do, decide
from nimwrap.backup.slot_images import wanted_images
from nimwrap.backup.unfinished_attempt import UnfinishedAttempt
from nimwrap.backup.wrapper import RUN_UNDO
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.findings import Failure
from nimwrap.domain.lock_timing import STALE_S
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import ChangeState, Image
from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import ImageRow
from nimwrap.history.revive import run_of
from nimwrap.hooks.hooks_of_run import run_after
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.locks.client_locks import beating, guarded, take_locks
from nimwrap.locks.lock_scripts import free_slots_script

KILLED = "nimwrap was killed"


def finish(case: UnfinishedAttempt) -> None:
    """See, decide, act, until the table has no more to say.

    Raises NimwrapError when master or history is lost on the way: what was done so far is seen by the next.
    """
    while True:
        row = decide(case.seen())
        for action in row.actions:
            if action is not Do.LOOK_AGAIN:
                ACTS[action](case)
        if row.actions[-1] is not Do.LOOK_AGAIN:
            return


def _nothing(case: UnfinishedAttempt) -> None:
    """The table leaves it to somebody else, or to a later time."""


def _stay_open(case: UnfinishedAttempt) -> None:
    if case.owner is OwnerIs.SELF:
        raise master_unreachable(case.why, "nimwrap recover goes on from there")
    until = "until then this run stays open"
    if case.state is RunIs.CLOSED:
        until = "what is left of this run waits for its end"
    case.done.notes.append(f"{case.run}: {case.why or 'nobody knows how it stands'}; {until}")


def _leave_running(case: UnfinishedAttempt) -> None:
    case.done.running.append(case.run)


def _end_operation(case: UnfinishedAttempt) -> None:
    case.saw(operation.end(case.context, case.plan, "cancelled"))


def _undo_of_another(case: UnfinishedAttempt) -> None:
    path = shlex.quote(f"{case.context.master.spool}/{case.name}")
    said = case.context.host.run(
        f"{PREAMBLE}cd {path} || exit 0\n[ -s rc ] || /usr/bin/ksh ./stop > stop.out 2>&1\n"
        "if [ -f undo ] && [ ! -f undo.rc ]; then\n"
        f"  {RUN_UNDO}; tail -n 1 undo.out\nfi\n"
    ).stdout.strip()
    if said:
        case.done.notes.append(
            f"{case.name} is another nimwrap's, its operation is gone and it has been silent for more than "
            f"{STALE_S // 60} minutes: its export change: {said}; its record stays for its own `nimwrap recover`, or "
            f"`nimwrap recover --foreign {case.run}` here"
        )


def _take_lock(case: UnfinishedAttempt) -> None:
    lock = take_locks(case.context, case.plan.client, (), case.run)
    if isinstance(lock, Failure):
        case.lock = LockIs.ANOTHERS if lock.code is FailureCode.LOCKED else LockIs.UNKNOWN
        case.why = lock.message
        return
    case.context = guarded(case.context, case.plan.client, case.run, lock)
    case.held.enter_context(beating(case.context, case.plan.client, case.run))
    case.lock = LockIs.OURS
    case.look()


def _follow(case: UnfinishedAttempt) -> None:
    elapsed = 0.0
    if case.owner is not OwnerIs.SELF and case.attempt is not None:
        elapsed = max(0.0, (case.context.clock.now() - case.attempt.started).total_seconds())
    case.ask(lambda: operation.follow(case.context, case.plan, elapsed_s=elapsed))


def _settle(case: UnfinishedAttempt) -> None:
    case.settled = case.undo_tried = case.ask(lambda: operation.settle(case.context, case.plan))


def _run_undo(case: UnfinishedAttempt) -> None:
    case.undo_tried = case.ask(lambda: operation.undo_again(case.context, case.there))


def _undo_from_journal(case: UnfinishedAttempt) -> None:
    try:
        case.open_change, case.undo_written = undo_lost(case.context, case.plan, case.status), True
    except NimwrapError as error:
        case.undo_silent, case.why = True, error.message


def _write_undo(case: UnfinishedAttempt) -> None:
    case.open_change, case.undo_written = confirm_undo(case.context, case.plan, case.status), True


def _judge(case: UnfinishedAttempt) -> None:
    case.context.tell(Progress(case.run, "proof", case.plan.client, size_bytes=case.status.size))
    case.judged = operation.patient(
        case.context,
        case.plan,
        lambda: finalize_attempt(case.context, case.plan, case.status, case.open_change),
    )


def _clean_up(case: UnfinishedAttempt) -> None:
    late = None if case.judged is not None else _end_seen(case)
    started = begun(case.plan, case.status)
    cleaning = clean_up(case.context, case.plan, late=late, begun=started)
    if case.judged is not None and not started:
        failure = busy_instead(case.judged.failure, case.plan, cleaning.seen.cstate)
        case.judged = replace(case.judged, failure=failure)
    case.left, case.end_seen = cleaning.left, cleaning.seen


def _end_seen(case: UnfinishedAttempt) -> EndSeen:
    """What the end of the attempt saw; nothing when that was not written down."""
    path = shlex.quote(f"{case.context.master.spool}/{case.name}/end")
    return EndSeen.from_json(case.context.host.run(f"{PREAMBLE}cat {path} 2>/dev/null\n").stdout)


def _clear_client(case: UnfinishedAttempt) -> None:
    case.left = clear_client(case.context, case.plan)


def _record(case: UnfinishedAttempt) -> None:
    assert case.judged is not None and case.attempt is not None  # noqa: S101  the table has it judged first
    case.recorded = record(case.context, case.plan, case.status, case.judged, case.attempt)
    for left in case.left or ():
        case.context.note(case.run, "leftover", left)


def _put_aside(case: UnfinishedAttempt) -> None:
    """With what the end saw of the client, so that whoever comes for it later can tell what has come since."""
    room, aside = shlex.quote(case.plan.room), shlex.quote(f"{case.plan.room}.left-{case.plan.number}")
    seen = f"[ -f {room}/end ] || echo {shlex.quote(case.end_seen.to_json())} > {room}/end\n"
    move = f"{seen}[ -d {aside} ] || mv {room} {aside}\n"
    case.context.host.run(f"{PREAMBLE}{free_slots_script(case.plan.spool, case.run)}{move}")
    case.directory = DirectoryIs.ASIDE


def _remove_directory(case: UnfinishedAttempt) -> None:
    case.context.host.run(spool.reset_room(case.plan))


def _name_and_retain(case: UnfinishedAttempt) -> None:
    outcome, _ = _outcome(case)
    if case.row is not None and outcome in (Outcome.OK, Outcome.WARNING):
        case.kept = apply_name_and_retention(case.context, run_of(case.row), resuming=True)


def _outcome(case: UnfinishedAttempt) -> tuple[Outcome, Failure | None]:
    """What came of the run: as just judged, or as its rows have it."""
    if case.recorded is not None:
        return case.recorded.outcome, case.recorded.failure
    code = case.attempt_row.failure_code if case.attempt_row is not None else None
    if case.image is not None:
        outcome = Outcome(case.image.outcome)
        if case.open_change and outcome is Outcome.OK:
            return Outcome.WARNING, still_open(case.open_change)
        failure = Failure(FailureCode(code or FailureCode.UNKNOWN), "see the attempt's output")
        return outcome, None if outcome is Outcome.OK else failure
    if code:
        return Outcome.FAILED, Failure(FailureCode(code), "the attempt failed; see its output")
    if case.planned is None:
        return Outcome.FAILED, unstarted(KILLED)
    said = f"{KILLED} after its attempt had begun, and nothing of that is left there: how far it came is not known"
    return Outcome.FAILED, Failure(FailureCode.KILLED, said, "start the backup again")


def _close_run(case: UnfinishedAttempt) -> None:
    assert case.row is not None  # noqa: S101  an open run has a row
    context = case.context
    if case.planned is None:
        _never_applied(case)
    outcome, failure = warned(*_outcome(case), case.kept)
    made = case.recorded.image if case.recorded is not None else None
    run = replace(run_of(case.row), image=made or (case.image and _image_of(case.image)))
    outcome, failure = run_after(context, run, outcome, failure)
    context.note(case.run, Act("recovered", ActName.RECOVER, case.run), f"closed by a later nimwrap as {outcome}")
    ends = [attempt.ended for attempt in context.queries.attempts([case.run]) if attempt.ended]
    at = max(parse_rfc3339(ends[-1]), parse_rfc3339(case.row.started)) if ends else context.clock.now()
    ended = replace(run_of(case.row), outcome=outcome, failure=failure, ended=at)
    context.store.close_run(ended, slot_done=_last_of_slot(case))
    case.done.closed.append(case.run)


def _image_of(row: ImageRow) -> Image:
    return Image(row.resource or "", row.location, row.size_bytes, row.verified, row.verified_by, row.id)


def _never_applied(case: UnfinishedAttempt) -> None:
    """Killed between the journal's row and the plan: the change was not begun, if the export says so too."""
    for change in case.context.queries.changes(run=case.run):
        if change.state == ChangeState.PLANNED and (says := undo_planned(case.context, change)):
            raise NimwrapError(says)


def _last_of_slot(case: UnfinishedAttempt) -> bool:
    """Whether the run's slot, if it has one, wants no further image of its client."""
    row, context = case.row, case.context
    if row is None or row.slot is None:
        return True
    wanted = wanted_images(context.config, context.queries, ClientRef(row.master, row.client), row.schedule, row.slot)
    return set(wanted) <= {(row.kind, (case.planned.volume_group or "") if case.planned else "")}


def _give_back(case: UnfinishedAttempt) -> None:
    """The directory's own name is cleared with it where nothing of the operation lies there any more."""
    vacant = case.directory is not DirectoryIs.THERE
    _given_back(case, f"{case.context.master.spool}/{case.run}" if vacant else None)


def _clear(case: UnfinishedAttempt) -> None:
    if _given_back(case, f"{case.context.master.spool}/{case.name}") and case.state is RunIs.CLOSED:
        case.done.cleaned.append(case.name)


def _given_back(case: UnfinishedAttempt, room: str | None) -> bool:
    client = case.row.client if case.row is not None else case.plan.client
    made = case.row is not None and bool(case.context.queries.images(case.context.master.name, client))
    kept = give_back_with_kit(case.context, client, case.run, room, made=made)
    if kept:
        case.done.notes.append(f"{case.name}: its directory and lock on {case.context.master.name} stay: {kept}")
    return not kept


def _tell(case: UnfinishedAttempt) -> None:
    for text in [*(case.left or ()), *([case.open_change] if case.open_change else [])]:
        case.done.notes.append(f"{case.run}: {text}")


ACTS: dict[Do, Callable[[UnfinishedAttempt], None]] = {
    Do.LEAVE: _nothing,
    Do.STAY_OPEN: _stay_open,
    Do.LEAVE_RUNNING: _leave_running,
    Do.END_OPERATION: _end_operation,
    Do.UNDO_OF_ANOTHER: _undo_of_another,
    Do.TAKE_LOCK: _take_lock,
    Do.FOLLOW: _follow,
    Do.SETTLE: _settle,
    Do.RUN_UNDO: _run_undo,
    Do.UNDO_FROM_JOURNAL: _undo_from_journal,
    Do.WRITE_UNDO: _write_undo,
    Do.JUDGE: _judge,
    Do.CLEAN_UP: _clean_up,
    Do.CLEAR_CLIENT: _clear_client,
    Do.RECORD: _record,
    Do.NAME_AND_RETAIN: _name_and_retain,
    Do.PUT_ASIDE: _put_aside,
    Do.REMOVE_DIRECTORY: _remove_directory,
    Do.CLOSE_RUN: _close_run,
    Do.GIVE_BACK: _give_back,
    Do.CLEAR: _clear,
    Do.TELL: _tell,
}
