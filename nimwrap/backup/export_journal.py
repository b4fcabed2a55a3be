"""Export changes whose room on the master is gone, and with it the undo that lay there.

The journal still knows what was added where: the undo is made again from the plan and run against what the master
exports now. Only what that says is written down; a change about which the master could not be asked stays open.
"""

from __future__ import annotations

from collections.abc import Collection

from nimwrap.backup.finalize import confirm_undo
from nimwrap.backup.undo_from_journal import undo_by_plan, undo_by_row
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ChangeState
from nimwrap.history.model import ChangeRow
from nimwrap.history.ports import Queries
from nimwrap.master_context import MasterContext
from nimwrap.remedies.undo import UndoStatus


def plans(reader: Queries, run_id: str) -> list[AttemptPlan]:
    """The plans of a run, oldest first."""
    return [AttemptPlan.from_json(attempt.plan) for attempt in reader.attempts([run_id]) if attempt.plan]


def changed_by_another(context: MasterContext, plan: AttemptPlan) -> Failure | None:
    """Why an export may not be changed now: another run's change of it is still open.

    What stands there is not what was there before then, and an undo that put it back would open it for good.
    """
    if plan.exported is None:
        return None
    others = [
        row
        for row in context.queries.open_changes(plan.master)
        if row.directory == plan.exported and row.run != plan.run and row.state != ChangeState.FOREIGN
    ]
    if not others:
        return None
    return Failure(
        FailureCode.EXPORT_CONFLICT,
        f"the export of {plan.exported} still has the change of run {others[0].run}",
        "nimwrap recover undoes it; see nimwrap exports list",
    )


def undo_lost(context: MasterContext, reader: Queries, plan: AttemptPlan) -> str:
    """Undo the plan's change, if the journal has it open; the empty text, or why it is still open or needs a person.

    Raises NimwrapError when the master does not say what came of it, or another run works in the same directory.
    """
    change = next((row for row in _unfinished(reader, context) if row.id == plan.change), None)
    if change is None or plan.exported is None:
        return ""
    return confirm_undo(context, plan, undo_by_plan(context, plan, change.after or ""))


def undo_planned(context: MasterContext, reader: Queries, change: ChangeRow) -> str:
    """The same for a change whose attempt has no row: nothing was begun, or rows are gone. The export says which."""
    run = reader.stored_run(change.run)
    undone = undo_by_row(context, change, run.client if run else "")
    if undone.undo_status not in (UndoStatus.REVERTED, UndoStatus.FOREIGN):
        return f"the export of {change.directory} is not reverted: {undone.undo_says}"
    foreign = undone.undo_status == UndoStatus.FOREIGN
    state = ChangeState.FOREIGN if foreign else ChangeState.REVERTED
    note = undone.undo_says if foreign else "nothing of it stands"
    context.store.change_ended(change.id, state, undone.undone_at or context.clock.now(), note)
    return f"the export of {change.directory} cannot be understood and was left as it is" if foreign else ""


def undo_open(context: MasterContext, reader: Queries, rooms: Collection[str]) -> list[str]:
    """Finish the open changes of closed runs that have no room left (``rooms``: runs that have); what stays open."""
    notes = []
    for change in _unfinished(reader, context):
        run = reader.stored_run(change.run)
        if run is None or run.id in rooms or run.outcome == Outcome.RUNNING:
            continue
        plan = next((plan for plan in plans(reader, run.id) if plan.change == change.id), None)
        try:
            says = undo_planned(context, reader, change) if plan is None else undo_lost(context, reader, plan)
        except NimwrapError as error:
            says = error.message
        if says:
            notes.append(f"{run.id}: {says}")
    return notes


def _unfinished(reader: Queries, context: MasterContext) -> list[ChangeRow]:
    return [row for row in reader.open_changes(context.master.name) if row.state != ChangeState.FOREIGN]
