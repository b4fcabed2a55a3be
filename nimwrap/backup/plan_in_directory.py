"""The plan that lies in an operation's directory on the master: its second record, where the history lost the row."""

from __future__ import annotations

import os
import shlex
import socket
from dataclasses import replace

from nimwrap.backup.operation_dirs import OperationDir
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.errors import master_unreachable
from nimwrap.domain.records import Attempt, Run
from nimwrap.history.model import RunRow
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.locks.lock_scripts import MARK, said
from nimwrap.master_context import MasterContext


def plan_in_directory(context: MasterContext, room: OperationDir) -> AttemptPlan | None:
    """The plan that lies there; None when it is none of this run and master.

    Raises NimwrapError when the master does not say what lies there.
    """
    _, text = _read(context, room)
    try:
        plan = AttemptPlan.from_json(text)
    except (ValueError, KeyError, TypeError):
        return None
    return plan if (plan.run, plan.master) == (room.run, context.master.name) else None


def plan_of_ours(context: MasterContext, room: OperationDir) -> AttemptPlan | None:
    """The plan of a directory that a dead nimwrap of this very host made; None for anybody else's."""
    owner, _ = _read(context, room)
    host, _, pid = owner.rpartition(" pid ")
    if host != socket.gethostname() or not pid.isdigit() or _alive(int(pid)):
        return None
    return plan_in_directory(context, room)


def _read(context: MasterContext, room: OperationDir) -> tuple[str, str]:
    """Owner and plan, as text; empty where the file is not there."""
    path = shlex.quote(f"{context.master.spool}/{room.name}")
    script = f'{PREAMBLE}for name in owner plan; do echo "{MARK}$name $(cat {path}/$name 2>/dev/null)"; done\n'
    told = dict(line.partition(" ")[::2] for line in said(context.host.run(f'{script}echo "{MARK}end"\n').stdout))
    if "end" not in told:
        raise master_unreachable(
            f"{context.master.name} does not say what lies in {context.master.spool}/{room.name}",
            "nimwrap recover tries again",
        )
    return told["owner"], told["plan"]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def written_again(context: MasterContext, plan: AttemptPlan) -> RunRow:
    """The rows that the history has lost (damaged, moved aside, put back from an older copy), as far as the plan knows
    them; the run's own row as it is then.
    """
    now, store = context.clock.now(), context.store
    if context.queries.stored_run(plan.run) is None:
        store.begin_run(Run(plan.run, plan.client, plan.master, now, kind=plan.kind))
    known = {change.id for change in context.queries.changes(run=plan.run)}
    if plan.exported is not None and plan.change not in known:
        change = store.plan_change(
            plan.run, plan.master, plan.exported, added=list(plan.added), before=plan.before, at=now
        )
        plan = replace(plan, change=change)
    attempt = Attempt(plan.number, now, remedy=plan.remedy)
    store.begin_attempt(plan.run, attempt, location=plan.location, resource=plan.resource, plan=plan.to_json())
    context.note(plan.run, "recovered", "rebuilt from the spool: the history had lost this run or its attempt", at=now)
    return context.queries.run(plan.run)
