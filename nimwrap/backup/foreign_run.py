"""What lies in a spool of runs that this history does not know: whose it is, and whether anybody still works on it."""

from __future__ import annotations

import shlex

from nimwrap.backup.operation_dirs import OperationDir
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.ports import Queries
from nimwrap.history.run_lease import owner_alive
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.locks.lock_timing import STALE_S
from nimwrap.master_context import MasterContext


def owner_and_plan(context: MasterContext, room: OperationDir) -> tuple[str, AttemptPlan | None]:
    """Who made an operation's directory, as it says, and its plan; empty and None where the master did not tell."""
    path = shlex.quote(f"{context.master.spool}/{room.name}")
    told = context.host.run(f"{PREAMBLE}cat {path}/owner && cat {path}/plan\n")
    owner, _, text = told.stdout.partition("\n")
    if told.unknown or told.failed:
        return "", None
    try:
        plan = AttemptPlan.from_json(text)
    except (ValueError, KeyError, TypeError):
        return owner.strip(), None
    return owner.strip(), plan if (plan.run, plan.master) == (room.run, context.master.name) else None


def refuse_living(context: MasterContext, reader: Queries, room: OperationDir) -> None:
    """Raise NimwrapError unless it is proven that a run of another installation is nobody's any more."""
    if reader.stored_run(room.run) is not None or owner_alive(context.config.state_dir, room.run):
        raise usage_error(f"{room.run} is a run of this installation", "nimwrap recover finishes it")
    if not room.alive and room.age_s is not None and room.age_s > STALE_S:
        return
    why = "its operation is running" if room.alive else f"it gave a sign of life {room.age_s or 0:.0f} s ago"
    raise NimwrapError(
        f"{room.run} is at work: {why}",
        code=FailureCode.LOCKED,
        hint=f"wait until its operation is gone and it has been silent for {STALE_S // 60} minutes",
        exit_code=ExitCode.LOCKED,
    )
