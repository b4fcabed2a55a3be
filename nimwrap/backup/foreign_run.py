"""What lies in a spool of runs that this history does not know: whose it is, and whether anybody still works on it."""

from __future__ import annotations

import shlex

from nimwrap.backup.operation_dirs import OperationDir
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError, master_unreachable, usage_error
from nimwrap.domain.lock_timing import STALE_S
from nimwrap.history.ports import Queries
from nimwrap.history.run_lease import owner_alive
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.locks.lock_scripts import MARK, said
from nimwrap.master_context import MasterContext


def owner_and_plan(context: MasterContext, room: OperationDir) -> tuple[str, AttemptPlan | None]:
    """Who made an operation's directory, as it says, and its plan; empty and None where they are not there, or not so.

    Raises NimwrapError when the master does not tell what lies there.
    """
    path = shlex.quote(f"{context.master.spool}/{room.name}")
    script = f'{PREAMBLE}for name in owner plan; do echo "{MARK}$name $(cat {path}/$name 2>/dev/null)"; done\n'
    told = dict(line.partition(" ")[::2] for line in said(context.host.run(f'{script}echo "{MARK}end"\n').stdout))
    if "end" not in told:
        raise master_unreachable(
            f"{context.master.name} does not say what lies in {context.master.spool}/{room.name}",
            "nimwrap recover tries again",
        )
    owner = told["owner"].strip()
    try:
        plan = AttemptPlan.from_json(told["plan"])
    except (ValueError, KeyError, TypeError):
        return owner, None
    return owner, plan if (plan.run, plan.master) == (room.run, context.master.name) else None


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
