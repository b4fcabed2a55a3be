"""Export changes whose room on the master is gone, and with it the undo that lay there.

The journal still knows what was added where: the undo is made again from the plan and run against what the master
exports now. Only what that says is written down; a change about which the master could not be asked stays open.
"""

from __future__ import annotations

from dataclasses import replace

from nimwrap.backup.finalize import confirm_undo
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.undo_from_journal import undo_by_plan, undo_by_row
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode
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


def undo_lost(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> str:
    """Undo the plan's change, if the journal has it open; the empty text, or why it is still open or needs a person.

    ``look``: the operation as last seen, with what its export was then. Raises NimwrapError when the master does not
    say what came of it, or another run works in the same directory.
    """
    change = next((row for row in unfinished_changes(context) if row.id == plan.change), None)
    if change is None or plan.exported is None:
        return ""
    undone = undo_by_plan(context, plan, change.after or look.applied or "")
    answered = replace(
        look, undo=True, undo_status=undone.undo_status, undo_says=undone.undo_says, undone_at=undone.undone_at
    )
    return confirm_undo(context, plan, answered)


def undo_planned(context: MasterContext, change: ChangeRow) -> str:
    """The same for a change whose attempt has no row: nothing was begun, or rows are gone. The export says which."""
    run = context.queries.stored_run(change.run)
    undone = undo_by_row(context, change, run.client if run else "")
    if undone.undo_status not in (UndoStatus.REVERTED, UndoStatus.FOREIGN):
        return f"the export of {change.directory} is not reverted: {undone.undo_says}"
    foreign = undone.undo_status == UndoStatus.FOREIGN
    state = ChangeState.FOREIGN if foreign else ChangeState.REVERTED
    note = undone.undo_says if foreign else "nothing of it stands"
    context.store.change_ended(change.id, state, undone.undone_at or context.clock.now(), note)
    return f"the export of {change.directory} cannot be understood and was left as it is" if foreign else ""


def unfinished_changes(context: MasterContext) -> list[ChangeRow]:
    """The changes on this master that the journal has open, but for those that a person has to look at."""
    return [row for row in context.queries.open_changes(context.master.name) if row.state != ChangeState.FOREIGN]
