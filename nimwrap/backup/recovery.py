"""What a crash left on one master: adopt what runs, conclude what ended, undo, close, give back.

Starting again is the recovery: the history says which runs are open, the spool says how far they came. A run whose
owner still lives is never touched. What is found in the spool without a row here was either made by this installation,
whose history is lost: its rows are written again. Or it belongs to another one, whatever its host is called: its
export changes are undone only when its operation is gone and its heartbeat is older than 10 minutes.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace

from nimwrap.backup.attempt import record, unstarted
from nimwrap.backup.cleanup import EndSeen, clean_up, clear_client
from nimwrap.backup.export_journal import plans, undo_lost, undo_open, undo_planned
from nimwrap.backup.finalize import confirm_undo, still_open
from nimwrap.backup.foreign_run import owner_and_plan, refuse_living
from nimwrap.backup.operation import follow, settle, undo_again
from nimwrap.backup.operation_dirs import OperationDir, scan_operation_dirs
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.post_backup import apply_name_and_retention, warned
from nimwrap.backup.slot_images import wanted_images
from nimwrap.backup.wrapper import GRACE_S, RUN_UNDO
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Attempt, ChangeState, Run
from nimwrap.domain.ref import ClientRef
from nimwrap.history.installation import installation_id
from nimwrap.history.model import AttemptRow, ImageRow, RunRow
from nimwrap.history.ports import Queries
from nimwrap.history.revive import run_of
from nimwrap.history.run_lease import RunLease, owner_alive, remove_lease, run_locks
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.interrupted_removals import finish_removals
from nimwrap.images.removal import Ending
from nimwrap.locks.client_locks import (
    INSTALLATION,
    beating,
    free_locks_of_the_dead,
    give_back,
    guarded,
    master_of,
    take_locks,
)
from nimwrap.locks.lock_timing import STALE_S
from nimwrap.master_context import MasterContext

_KILLED = "nimwrap was killed"


@dataclass
class Recovered:
    """What was done: run ids. ``running``: adopted later, still at work. ``notes``: for a person."""

    closed: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def recover(context: MasterContext, reader: Queries, *, wait: bool) -> Recovered:
    """Finish what is open on this master. ``wait``: follow operations that still run to their end."""
    done = Recovered()
    rooms = scan_operation_dirs(context)
    ours: set[str] = set()
    # The newest first: of several open runs of a client it is the one that holds the lock.
    for row in sorted(reader.open_runs(context.master.name), key=lambda row: str(row.id), reverse=True):
        ours.add(row.id)
        if not owner_alive(context.config.state_dir, row.id):
            _recover_run(context, reader, row, rooms, done, wait=wait)
    for room in rooms.values():
        if room.run not in ours:
            _recover_room(context, reader, room, done, wait=wait)
    unknown = free_locks_of_the_dead(context, [room.run for room in rooms.values() if not room.there])
    done.notes += undo_open(context, reader, {room.run for room in rooms.values() if room.there})
    _sweep_owners(context, reader, unknown)
    for gone, removal in finish_removals(context, context.clock.now()):
        told = done.notes if removal.ending is Ending.FAILED else done.cleaned
        told.append(f"{gone.location}: {removal.reason}")
    return done


def follow_run(context: MasterContext, reader: Queries, row: RunRow) -> None:
    """Follow one open run whose owner is gone to its end, and close it; it stays open where that cannot be."""
    rooms = scan_operation_dirs(context)
    _recover_run(context, reader, row, rooms, Recovered(), wait=True)


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


def _recover_run(
    context: MasterContext, reader: Queries, row: RunRow, rooms: dict[str, OperationDir], done: Recovered, *, wait: bool
) -> None:
    """One open run whose owner is dead."""
    run_id = str(row.id)
    room = rooms.get(run_id)
    if room is not None and room.alive and not room.done and not wait and not _overdue(context, reader, run_id):
        done.running.append(run_id)
        return
    try:
        lease = RunLease(context.config.state_dir, run_id)
    except NimwrapError:
        return  # another recover is at it just now
    with lease:
        work = context
        try:
            if last_plan(reader, run_id) is not None:
                lock = take_locks(context, str(row.client), (), run_id)
                if isinstance(lock, Failure):
                    done.notes.append(f"{run_id}: {lock.message}; until then this run stays open")
                    return
                work = guarded(context, row.client, run_id, lock)
            with beating(context, row.client, run_id):
                outcome, failure = _conclude(work, reader, run_id, room)
                if outcome in (Outcome.OK, Outcome.WARNING):
                    outcome, failure = warned(
                        outcome, failure, apply_name_and_retention(work, run_of(row), resuming=True)
                    )
        except NimwrapError as error:
            done.notes.append(f"{run_id}: {error.message}; it stays open")
            return
        context.note(run_id, "recovered", f"closed by a later nimwrap as {outcome}")
        ended = replace(run_of(row), outcome=outcome, failure=failure, ended=context.clock.now())
        context.store.close_run(ended, slot_done=_last_of_slot(context, reader, row))
        kept = give_back(context, str(row.client), run_id, room=f"{context.master.spool}/{run_id}")
    done.closed.append(run_id)
    if kept:
        done.notes.append(f"{run_id}: its directory and lock on {context.master.name} stay: {kept}")


def _overdue(context: MasterContext, reader: Queries, run_id: str) -> bool:
    """Whether the operation should long have ended by itself, so that following it ends it now."""
    plan, attempts = last_plan(reader, run_id), reader.attempts([run_id])
    if plan is None or not attempts:
        return False
    elapsed = (context.clock.now() - parse_rfc3339(attempts[-1].started)).total_seconds()
    return elapsed > plan.timeout_s + 2 * GRACE_S


def _last_of_slot(context: MasterContext, reader: Queries, row: RunRow) -> bool:
    """Whether the run's slot, if it has one, wants no further image of its client."""
    if row.slot is None:
        return True
    plan = last_plan(reader, row.id)
    wanted = wanted_images(context.config, reader, ClientRef(row.master, row.client), row.schedule, row.slot)
    return set(wanted) <= {(row.kind, (plan.volume_group or "") if plan else "")}


def _conclude(
    context: MasterContext, reader: Queries, run_id: str, room: OperationDir | None
) -> tuple[Outcome, Failure | None]:
    """The true outcome of a run, from its last attempt's plan and room."""
    plan = last_plan(reader, run_id)
    attempts = reader.attempts([run_id])
    if plan is None or not attempts:
        return Outcome.FAILED, _never_applied(context, reader, run_id, None)
    row = attempts[-1]
    attempt = Attempt(int(row.number), parse_rfc3339(row.started), remedy=row.remedy)
    if plan.number != attempt.number:
        return Outcome.FAILED, _never_applied(context, reader, run_id, plan.change)
    if room is None or not (room.alive or room.done):
        now = settle(context, plan) if room is not None else OperationStatus(room=False)
    else:
        elapsed = (context.clock.now() - attempt.started).total_seconds()
        now = follow(context, plan, elapsed_s=max(0.0, elapsed))
    image = _image_of(reader, plan)
    if not now.room or image is not None:
        says = confirm_undo(context, plan, undo_again(context, plan)) if now.room else undo_lost(context, reader, plan)
        return _as_recorded(row, image, says)
    attempted = record(context, plan, now, attempt)
    return attempted.outcome, attempted.failure


def _image_of(reader: Queries, plan: AttemptPlan) -> ImageRow | None:
    """The image this run has recorded, wherever it lies by now: it may be on its way to its fixed name."""
    rows = reader.images(plan.master, plan.client, kind=plan.kind)
    return next((row for row in rows if row.run == plan.run), None)


def _as_recorded(row: AttemptRow, image: ImageRow | None, open_change: str) -> tuple[Outcome, Failure | None]:
    """The attempt was concluded already, or its room was never made or is gone: its rows tell what came of it."""
    if image is not None:
        outcome = Outcome(image.outcome)
        if open_change and outcome is Outcome.OK:
            return Outcome.WARNING, still_open(open_change)
        code = FailureCode(str(row.failure_code)) if row.failure_code else FailureCode.UNKNOWN
        return outcome, None if outcome is Outcome.OK else Failure(code, "see the attempt's output")
    if row.failure_code:
        return Outcome.FAILED, Failure(FailureCode(str(row.failure_code)), "the attempt failed; see its output")
    said = f"{_KILLED} after its attempt had begun, and nothing of that is left there: how far it came is not known"
    return Outcome.FAILED, Failure(FailureCode.KILLED, said, "start the backup again")


def _never_applied(context: MasterContext, reader: Queries, run_id: str, concluded: int | None) -> Failure:
    """Killed between the journal's row and the plan: the change was not begun, if the export says so too."""
    for change in reader.changes(run=run_id):
        planned = change.state == ChangeState.PLANNED and change.id != concluded
        if planned and (says := undo_planned(context, reader, change)):
            raise NimwrapError(says)
    return unstarted(_KILLED)


def last_plan(reader: Queries, run_id: str, number: int | None = None) -> AttemptPlan | None:
    """The newest plan of a run, or that of its attempt ``number``; None when it never came to one."""
    return next((plan for plan in reversed(plans(reader, run_id)) if number in (None, plan.number)), None)


def _recover_room(context: MasterContext, reader: Queries, room: OperationDir, done: Recovered, *, wait: bool) -> None:
    """A room, lock or slot whose run is closed here, or was never ours."""
    row = reader.stored_run(room.run)  # a history that cannot be read is an error of its own, not "not ours"
    if row is None:
        lost = None if room.aside else _plan_of_ours(context, room)
        if lost is None:
            _foreign_room(context, room, done)
        else:
            _recover_run(context, reader, _rewrite(context, reader, lost), {lost.run: room}, done, wait=True)
        return
    if owner_alive(context.config.state_dir, room.run):
        return
    plan = last_plan(reader, room.run, room.attempt)
    attempts = reader.attempts([room.run])
    unrecorded = not room.done or not attempts or attempts[-1].returncode is None
    if room.there and not room.aside and plan and unrecorded:
        # Its start came when the run was closed already, by a nimwrap that had lost the connection or its life.
        _recover_run(context, reader, row, {room.run: room}, done, wait=wait)
        return
    if room.aside and plan is not None and not _clean_aside(context, plan, room, done):
        return
    if room.there and not room.aside and plan is not None and not _undo_settled(context, reader, plan, done):
        return
    if row.outcome == Outcome.RUNNING:
        return
    kept = give_back(context, str(row.client), room.run, room=f"{context.master.spool}/{room.name}")
    if kept:
        done.notes.append(f"{room.name} on {context.master.name} stays: {kept}")
    else:
        done.cleaned.append(room.name)


def _locked_late(context: MasterContext, plan: AttemptPlan, done: Recovered) -> MasterContext | None:
    """The context under the lock of the client of an ended run; None, with a note, while somebody else works on it."""
    lock = take_locks(context, plan.client, (), plan.run)
    if isinstance(lock, Failure):
        done.notes.append(f"{plan.run}: {lock.message}; what is left of this run waits for its end")
        return None
    return guarded(context, plan.client, plan.run, lock)


def _undo_settled(context: MasterContext, reader: Queries, plan: AttemptPlan, done: Recovered) -> bool:
    """The undo of an ended operation, run if it is due, under the client's lock; False when it has to wait."""
    plan = replace(plan, spool=context.master.spool)
    work = _locked_late(context, plan, done)
    if work is None:
        return False
    now = undo_again(work, plan)
    if _is_open(context, reader, plan) and (says := confirm_undo(context, plan, now)):
        done.notes.append(f"{plan.run}: {says}")
    return True


def _is_open(context: MasterContext, reader: Queries, plan: AttemptPlan) -> bool:
    return plan.change in {row.id for row in reader.open_changes(context.master.name)}


def _plan_of_ours(context: MasterContext, room: OperationDir) -> AttemptPlan | None:
    """The plan of a room that this installation made, whose rows are lost; None for anybody else's."""
    owner, plan = owner_and_plan(context, room)
    return plan if owner.endswith(f"{INSTALLATION}{installation_id(context.config.state_dir)}") else None


def take_over_foreign(context: MasterContext, reader: Queries, run: str) -> Recovered | None:
    """Make the run of another installation ours and finish it; None when no directory of it lies in this spool.

    Raises NimwrapError ``locked`` while it is not proven that nobody works on it any more.
    """
    room = scan_operation_dirs(context).get(run)
    if room is None or not room.there:
        return None
    refuse_living(context, reader, room)
    _, plan = owner_and_plan(context, room)
    if plan is None:
        raise NimwrapError(f"what lies in {context.master.spool}/{run} cannot be understood", hint="look there")
    done = Recovered()
    _recover_run(context, reader, _rewrite(context, reader, plan), {run: room}, done, wait=True)
    return done


def _rewrite(context: MasterContext, reader: Queries, plan: AttemptPlan) -> RunRow:
    """The rows of a run that the history has lost (damaged, moved aside), as far as the spool knows them."""
    now = context.clock.now()
    context.store.begin_run(Run(plan.run, plan.client, plan.master, now, kind=plan.kind))
    remedy = plan.method if plan.exported else None
    if plan.exported is not None:
        change = context.store.plan_change(
            plan.run, plan.master, plan.exported, added=list(plan.added), before=plan.before, at=now
        )
        plan = replace(plan, change=change)
    attempt = Attempt(plan.number, now, remedy=remedy)
    context.store.begin_attempt(plan.run, attempt, location=plan.location, resource=plan.resource, plan=plan.to_json())
    context.note(plan.run, "recovered", "rebuilt from the spool: the history had lost this run", at=now)
    return reader.run(plan.run)


def _clean_aside(context: MasterContext, plan: AttemptPlan, room: OperationDir, done: Recovered) -> bool:
    """Try again what could not be cleaned or undone when the attempt ended, under the client's lock."""
    plan = replace(plan, spool=context.master.spool)
    work = _locked_late(context, plan, done)
    if work is None:
        return False
    with beating(context, plan.client, plan.run):
        now = undo_again(work, plan, at=room.name)
        open_change = confirm_undo(work, plan, now)
        if now.returncode == 0:
            left = clear_client(work, plan) if now.unclean else []
        else:
            left = clean_up(work, plan, late=_end_seen(work, room)).left
    for text in [*left, *([open_change] if open_change else [])]:
        done.notes.append(f"{room.run}: {text}")
    return not left and not open_change


def _end_seen(context: MasterContext, room: OperationDir) -> EndSeen:
    """What the end of the attempt saw; nothing when that was not written down."""
    path = shlex.quote(f"{context.master.spool}/{room.name}/end")
    return EndSeen.from_json(context.host.run(f"{PREAMBLE}cat {path} 2>/dev/null\n").stdout)


def _foreign_room(context: MasterContext, room: OperationDir, done: Recovered) -> None:
    """Another nimwrap's: undone only when it is proven gone."""
    if room.alive or room.age_s is None or room.age_s <= STALE_S:
        return
    path = shlex.quote(f"{context.master.spool}/{room.name}")
    said = context.host.run(
        f"{PREAMBLE}cd {path} || exit 0\n[ -s rc ] || /usr/bin/ksh ./stop > stop.out 2>&1\n"
        "if [ -f undo ] && [ ! -f undo.rc ]; then\n"
        f"  {RUN_UNDO}; tail -n 1 undo.out\nfi\n"
    ).stdout.strip()
    if said:
        done.notes.append(
            f"{room.name} is another nimwrap's, its operation is gone and it has been silent for more than "
            f"{STALE_S // 60} minutes: its export change: {said}; its record stays for its own `nimwrap recover`, or "
            f"`nimwrap recover --foreign {room.run}` here"
        )
