"""What a crash left on one master: adopt what runs, conclude what ended, undo, close, give back.

Starting again is the recovery: the history says which runs are open, the spool says how far they came. A run whose
owner still lives is never touched. What is found in the spool without a row here was either made by this installation,
whose history is lost: its rows are written again. Or it belongs to another one, whatever its host is called: its
export changes are undone only when its operation is gone and its heartbeat is older than 10 minutes.

Here is only whom it is about; what is done with each is in the table of :mod:`nimwrap.backup.recovery_table`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nimwrap.backup.export_journal import plans, undo_planned, unfinished_changes
from nimwrap.backup.foreign_run import owner_and_plan, refuse_living
from nimwrap.backup.lost_rows import written_again
from nimwrap.backup.operation_dirs import OperationDir, scan_operation_dirs
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.recovery_acts import finish
from nimwrap.backup.recovery_seen import DirectoryIs, LockIs, OwnerIs, RunIs, WishIs
from nimwrap.backup.recovery_table import Do, decide
from nimwrap.backup.unfinished_attempt import Recovered, UnfinishedAttempt
from nimwrap.backup.wrapper import GRACE_S
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.lock_timing import STALE_S
from nimwrap.domain.records import Attempt
from nimwrap.history.installation import installation_id
from nimwrap.history.model import AttemptRow, RunRow
from nimwrap.history.ports import Queries
from nimwrap.history.run_lease import RunLease, owner_alive, remove_lease, run_locks
from nimwrap.images.interrupted_removals import finish_removals
from nimwrap.images.removal import Ending
from nimwrap.locks.client_locks import INSTALLATION, free_locks_of_the_dead, master_of
from nimwrap.master_context import MasterContext


def recover(context: MasterContext, reader: Queries, *, wait: bool) -> Recovered:
    """Finish what is open on this master. ``wait``: follow operations that still run to their end."""
    context, done = replace(context, queries=reader), Recovered()
    rooms = scan_operation_dirs(context)
    ours: set[str] = set()
    # The newest first: of several open runs of a client it is the one that holds the lock.
    for row in sorted(reader.open_runs(context.master.name), key=lambda row: str(row.id), reverse=True):
        ours.add(row.id)
        _finish_seen(context, row, rooms.get(row.id), done, wait=wait)
    for room in rooms.values():
        if room.run not in ours:
            _recover_directory(context, room, done, wait=wait)
    unknown = free_locks_of_the_dead(context, [room.run for room in rooms.values() if not room.there])
    _recover_changes(context, {room.run for room in rooms.values() if room.there}, done)
    _sweep_owners(context, reader, unknown)
    for gone, removal in finish_removals(context, context.clock.now()):
        told = done.notes if removal.ending is Ending.FAILED else done.cleaned
        told.append(f"{gone.location}: {removal.reason}")
    return done


def follow_run(context: MasterContext, reader: Queries, row: RunRow) -> None:
    """Follow one open run whose owner is gone to its end, and close it; it stays open where that cannot be."""
    context = replace(context, queries=reader)
    _finish_seen(context, row, scan_operation_dirs(context).get(row.id), Recovered(), wait=True)


def _finish_seen(
    context: MasterContext, row: RunRow, room: OperationDir | None, done: Recovered, *, wait: bool
) -> None:
    """Have the table finish a run that is open, or whose operation began when it was closed already.

    Its owner may have gone on, and even ended, since it was looked at: under the lease everything is asked once more.
    """
    seen = open_case(context, row, room, wait=wait)
    if not _goes_on(seen, done):
        return

    def again() -> UnfinishedAttempt | None:
        now = context.queries.stored_run(row.id)
        if now is None or now.outcome != row.outcome:
            return None  # it has come to its end meanwhile
        case = open_case(context, now, scan_operation_dirs(context).get(row.id), wait=wait)
        case.owner = OwnerIs.NOBODY  # but us, who hold its lease now
        return case

    _finish_leased(context, row.id, again, done)


def _finish(case: UnfinishedAttempt, done: Recovered) -> None:
    """Have the table finish it, unless somebody else is at it; what is in the way is noted."""
    if _goes_on(case, done):
        _finish_leased(case.context, case.run, lambda: case, done)


def _goes_on(case: UnfinishedAttempt, done: Recovered) -> bool:
    """Whether anything is to be done that wants the run's lease; else the rest is done here."""
    case.done = done
    if decide(case.seen()).actions not in ((Do.LEAVE,), (Do.LEAVE_RUNNING,)):
        return True
    finish(case)
    return False


def _finish_leased(
    context: MasterContext, run: str, look: Callable[[], UnfinishedAttempt | None], done: Recovered
) -> None:
    try:
        lease = RunLease(context.config.state_dir, run)
    except NimwrapError:
        return  # another recover is at it just now
    with lease:
        case = None
        try:
            case = look()
            if case is not None:
                case.done = done
                with case.held:
                    finish(case)
        except NimwrapError as error:
            still = "; it stays open" if case is None or case.state is RunIs.OPEN else ""
            done.notes.append(f"{run}: {error.message}{still}")


def open_case(context: MasterContext, row: RunRow, room: OperationDir | None, *, wait: bool) -> UnfinishedAttempt:
    """A run that is open, or whose operation began when it was closed already; ``room``: its directory, if it has one.

    The directory tells which attempt it is of: a later one may have found it in its way.
    """
    room = room if room is not None and room.there else None
    directory, why = DirectoryIs.GONE if room is None else DirectoryIs.THERE, ""
    attempt_row = _attempt_row(context, row.id, room)
    if room is not None and attempt_row is None:
        try:
            _, lost = owner_and_plan(context, room)
        except NimwrapError as error:
            directory, why = DirectoryIs.UNKNOWN, error.message
        else:
            # Without a plan nothing is known that could be done; what is due there keeps the directory.
            directory = DirectoryIs.GONE if lost is None else DirectoryIs.THERE
            attempt_row = _attempt_row(context, written_again(context, lost).id, room) if lost is not None else None
    case = UnfinishedAttempt(
        context,
        row.id,
        _planned(context, attempt_row),
        row.id,
        room.status if room is not None else OperationStatus(room=False),
        owner=_owner(context, row.id),
        directory=directory,
        row=row,
        attempt_row=attempt_row,
        why=why,
    )
    if attempt_row is not None and case.planned is not None:
        case.attempt = Attempt(case.plan.number, parse_rfc3339(attempt_row.started), remedy=attempt_row.remedy)
        case.wish = WishIs.FOLLOW if wait or _overdue(case) else WishIs.LEAVE
    case.look_up()
    return case


def _attempt_row(context: MasterContext, run: str, room: OperationDir | None) -> AttemptRow | None:
    """The attempt that the directory is of, else the newest; None when the history has no plan of it."""
    number = room.attempt if room is not None else None
    rows = [one for one in context.queries.attempts([run]) if number in (None, one.number)]
    return rows[-1] if rows and rows[-1].plan else None


def _planned(context: MasterContext, row: AttemptRow | None) -> AttemptPlan | None:
    return replace(AttemptPlan.from_json(row.plan), spool=context.master.spool) if row and row.plan else None


def _owner(context: MasterContext, run: str) -> OwnerIs:
    return OwnerIs.LIVING if owner_alive(context.config.state_dir, run) else OwnerIs.NOBODY


def _overdue(case: UnfinishedAttempt) -> bool:
    """Whether the operation should long have ended by itself, so that following it ends it now."""
    if case.attempt is None:
        return False
    elapsed = (case.context.clock.now() - case.attempt.started).total_seconds()
    return elapsed > case.plan.timeout_s + 2 * GRACE_S


def last_plan(reader: Queries, run_id: str, number: int | None = None) -> AttemptPlan | None:
    """The newest plan of a run, or that of its attempt ``number``; None when it never came to one."""
    return next((plan for plan in reversed(plans(reader, run_id)) if number in (None, plan.number)), None)


def _recover_directory(context: MasterContext, room: OperationDir, done: Recovered, *, wait: bool) -> None:
    """A directory, lock or slot whose run is closed here, or was never ours."""
    row = context.queries.stored_run(room.run)  # a history that cannot be read is an error of its own, not "not ours"
    if row is None:
        try:
            lost = None if room.aside or not room.there else _plan_of_ours(context, room)
        except NimwrapError as error:
            done.notes.append(f"{room.name}: {error.message}")
            return
        if lost is None:
            _finish(_foreign_case(context, room), done)
        else:
            _finish(open_case(context, written_again(context, lost), room, wait=True), done)
        return
    if row.outcome == Outcome.RUNNING:
        return  # of a master by another name
    attempts = context.queries.attempts([room.run])
    unrecorded = next((one.returncode is None for one in attempts if one.number == room.attempt), True)
    if room.there and not room.aside and (unrecorded or not room.done):
        # Its start came when the run was closed already, by a nimwrap that had lost the connection or its life.
        _finish_seen(context, row, room, done, wait=wait)
    else:
        _finish(_closed_case(context, row, room), done)


def _plan_of_ours(context: MasterContext, room: OperationDir) -> AttemptPlan | None:
    """The plan of a directory that this installation made, whose rows are lost; None for anybody else's."""
    owner, plan = owner_and_plan(context, room)
    return plan if owner.endswith(f"{INSTALLATION}{installation_id(context.config.state_dir)}") else None


def take_over_foreign(context: MasterContext, reader: Queries, run: str) -> Recovered | None:
    """Make the run of another installation ours and finish it; None when no directory of it lies in this spool.

    Raises NimwrapError ``locked`` while it is not proven that nobody works on it any more.
    """
    context, done = replace(context, queries=reader), Recovered()
    room = scan_operation_dirs(context).get(run)
    if room is None or not room.there:
        return None
    refuse_living(context, reader, room)
    _, plan = owner_and_plan(context, room)
    if plan is None:
        raise NimwrapError(f"what lies in {context.master.spool}/{run} cannot be understood", hint="look there")
    _finish(open_case(context, written_again(context, plan), room, wait=True), done)
    return done


def _closed_case(context: MasterContext, row: RunRow, room: OperationDir) -> UnfinishedAttempt:
    """What is left of a run that has ended."""
    planned = _planned(context, _attempt_row(context, row.id, room))
    directory = DirectoryIs.ASIDE if room.aside else DirectoryIs.THERE
    known = room.there and planned is not None
    case = UnfinishedAttempt(
        context,
        row.id,
        planned,
        room.name,
        room.status,
        owner=_owner(context, row.id),
        state=RunIs.CLOSED,
        directory=directory if known else DirectoryIs.GONE,
        # Where only a lock or slot is left in its name, or no plan, all there is to do is to give them back.
        lock=LockIs.UNASKED if known else LockIs.OURS,
        row=row,
    )
    case.look_up()
    return case


def _foreign_case(context: MasterContext, room: OperationDir) -> UnfinishedAttempt:
    """Another nimwrap's: it may live as long as it was heard of lately, or nobody knows when."""
    silent = room.age_s is not None and room.age_s > STALE_S
    owner = OwnerIs.UNKNOWN if room.age_s is None else OwnerIs.NOBODY if silent else OwnerIs.LIVING
    directory = DirectoryIs.ASIDE if room.aside else DirectoryIs.THERE
    return UnfinishedAttempt(
        context,
        room.run,
        None,
        room.name,
        room.status,
        owner=owner,
        state=RunIs.FOREIGN,
        directory=directory if room.there else DirectoryIs.GONE,
    )


def _recover_changes(context: MasterContext, rooms: set[str], done: Recovered) -> None:
    """The open changes of closed runs that have no directory left; ``rooms``: the runs that have one."""
    for change in unfinished_changes(context):
        row = context.queries.stored_run(change.run)
        if row is None or row.id in rooms or row.outcome == Outcome.RUNNING:
            continue
        planned = next((plan for plan in plans(context.queries, row.id) if plan.change == change.id), None)
        if planned is None:
            try:
                says = undo_planned(context, change)
            except NimwrapError as error:
                says = error.message
            done.notes += [f"{row.id}: {says}"] if says else []
            continue
        case = UnfinishedAttempt(
            context,
            row.id,
            planned,
            row.id,
            OperationStatus(room=False),
            owner=_owner(context, row.id),
            state=RunIs.CLOSED,
            directory=DirectoryIs.GONE,
            row=row,
            change_open=True,
        )
        _finish(case, done)


def _sweep_owners(context: MasterContext, reader: Queries, unknown: set[str]) -> None:
    """Remove the lock files of killed processes whose run is closed, or never came to a row.

    Those of ``unknown`` stay, by which the next recover knows a lock as ours; of work on another master until a lock
    there would be stale.
    """
    made = run_locks(context.config.state_dir)
    rows = {row.id: row.outcome for row in reader.runs_by_id(list(made))}
    for run_id, at in made.items():
        young = (context.clock.now() - at).total_seconds() < STALE_S
        elsewhere = young and master_of(run_id) not in (None, context.master.name)
        if run_id not in unknown and not elsewhere and rows.get(run_id) != Outcome.RUNNING:
            remove_lease(context.config.state_dir, run_id)
