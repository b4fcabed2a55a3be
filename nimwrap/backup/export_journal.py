"""Export changes whose room on the master is gone, and with it the undo that lay there.

The journal still knows what was added where: the undo is made again from the plan and run against what the master
exports now. Only what that says is written down; a change about which the master could not be asked stays open.
"""

from __future__ import annotations

import shlex

from nimwrap.backup.finalize import confirm_undo
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import master_unreachable
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ChangeState
from nimwrap.history.model import ChangeRow
from nimwrap.history.ports import Queries
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE
from nimwrap.locks.lock_scripts import lock_path, moment
from nimwrap.master_context import MasterContext
from nimwrap.remedies.registry import remedy

BUSY = 75
_AT = "undone at "


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


def undo_lost(context: MasterContext, plan: AttemptPlan) -> str:
    """Undo the plan's change, if the journal has it open; the empty text, or why it is still open or needs a person.

    Raises NimwrapError when the master does not say what came of it, or another run works in the same directory.
    """
    change = next((row for row in unfinished_changes(context) if row.id == plan.change), None)
    if change is None or plan.exported is None:
        return ""
    undo = remedy(plan.method).undo(plan, change.after or "") or ""
    script = f"(\n{undo})\nundone=$?\necho {_AT}$({CLOCK})\nexit $undone\n"
    result = context.act(
        plan.run, "undo the export change, whose room is gone", PREAMBLE + _unless_locked(plan) + script
    )
    lines = result.stdout.strip().splitlines()
    undone_at = moment(lines.pop().removeprefix(_AT)) if lines and lines[-1].startswith(_AT) else None
    last = (lines or [result.stderr.strip()])[-1]
    if result.returncode in (None, BUSY):
        raise master_unreachable(
            f"the export of {plan.exported} may still be open: {last or 'the connection was lost'}",
            "nimwrap recover tries again",
        )
    look = OperationStatus(room=False, undo=True, undo_status=result.returncode, undo_says=last, undone_at=undone_at)
    return confirm_undo(context, plan, look)


def _unless_locked(plan: AttemptPlan) -> str:
    """Shell text that gives up while another run holds the client and may use the same export; a staging has one."""
    if plan.staging is not None:
        return ""
    lock, run = shlex.quote(lock_path(plan.spool, plan.client)), shlex.quote(plan.run)
    held = f'holder=$(cat {lock}/run 2>/dev/null)\n[ "${{holder:-{run}}}" = {run} ] || '
    return f'{held}{{ echo "{plan.client} is being backed up by $holder"; exit {BUSY}; }}\n'


def unfinished_changes(context: MasterContext) -> list[ChangeRow]:
    """The changes on this master that the journal has open, but for those that a person has to look at."""
    return [row for row in context.queries.open_changes(context.master.name) if row.state != ChangeState.FOREIGN]
