"""The undo of an export change made again from what the journal knows, and run against what the master exports now.

Whoever calls it does not have, or does not believe, the undo that lay in the spool.
"""

from __future__ import annotations

import shlex

from nimwrap.backup.operation_status import OperationStatus
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.errors import master_unreachable
from nimwrap.history.model import ChangeRow
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE
from nimwrap.locks.lock_scripts import lock_path, moment
from nimwrap.master_context import MasterContext
from nimwrap.remedies.registry import remedy
from nimwrap.remedies.undo import undo_script

BUSY = 75
_AT = "undone at "


def undo_by_plan(context: MasterContext, plan: AttemptPlan, applied: str = "") -> OperationStatus:
    """Take back what the plan adds to an export; what came of it. ``applied``: as exportfs showed it afterwards.

    Raises NimwrapError when the master does not say, or while another run works in the same directory.
    """
    undo = remedy(plan.method).undo(plan, applied) or ""
    guard = "" if plan.staging is not None else _unless_locked(plan.spool, plan.client, plan.run)
    return _run(context, plan.run, plan.exported or "", f"{guard}(\n{undo})\n")


def undo_by_row(context: MasterContext, change: ChangeRow, client: str) -> OperationStatus:
    """The same for a change of which nothing but the journal's row is left."""
    undo = undo_script(change.directory, change.added, change.before, change.after or "")
    guard = _unless_locked(context.master.spool, client, change.run)
    return _run(context, change.run, change.directory, f"{guard}(\n{undo})\n")


def _run(context: MasterContext, run: str, directory: str, script: str) -> OperationStatus:
    whole = f"{PREAMBLE}{script}undone=$?\necho {_AT}$({CLOCK})\nexit $undone\n"
    result = context.act(run, "undo the export change from the journal", whole)
    lines = result.stdout.strip().splitlines()
    undone_at = moment(lines.pop().removeprefix(_AT)) if lines and lines[-1].startswith(_AT) else None
    last = (lines or [result.stderr.strip()])[-1]
    if result.returncode in (None, BUSY):
        raise master_unreachable(
            f"the export of {directory} may still be open: {last or 'the connection was lost'}",
            "nimwrap recover tries again",
        )
    return OperationStatus(room=False, undo=True, undo_status=result.returncode, undo_says=last, undone_at=undone_at)


def _unless_locked(spool: str, client: str, run: str) -> str:
    """Shell text that gives up while another run holds the client and may use the same export; a staging has one."""
    lock, own = shlex.quote(lock_path(spool, client)), shlex.quote(run)
    held = f'holder=$(cat {lock}/run 2>/dev/null)\n[ "${{holder:-{own}}}" = {own} ] || '
    return f'{held}{{ echo "{client} is being backed up by $holder"; exit {BUSY}; }}\n'
