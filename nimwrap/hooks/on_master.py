"""A hook on a master, or from there on a client, as a detached job in ``SPOOL/hooks``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.hooks.hook_end import TIMED_OUT, HookEnd
from nimwrap.hosts.channel_route import LASTS, SELF
from nimwrap.hosts.client_channel import client_command, parse_channel
from nimwrap.hosts.script_batch import PREAMBLE, limited
from nimwrap.jobs.detached_job import DetachedJob, JobState, JobStatus, clear_job, look_at, run_job
from nimwrap.locks.lock_scripts import MARK
from nimwrap.master_context import MasterContext

FOLDER = "hooks"
_ASKING_S = 60
"""What the way to a client may take beside the hook itself."""


@dataclass(frozen=True)
class MasterHook:
    """``argv`` as the job ``name``; for ``client`` over its channel, empty for the master itself."""

    name: str
    argv: Sequence[str]
    timeout_s: int
    client: str = ""


def run_there(context: MasterContext, hook: MasterHook) -> HookEnd:
    """Run it, or take up the one that runs or has ended already; its end.

    Raises Interrupted when we are told to leave, and ``master_unreachable`` when the master is silent: it goes on.
    """
    status = run_job(context, _job(context, hook))
    output = "".join(f"{line}\n" for line in status.output.splitlines() if not line.startswith(MARK))
    if status.state is not JobState.DONE:
        return HookEnd(None, f"{output}\nit was killed before its end, or the master went down\n")
    return _of_client(hook, status, output) if hook.client else HookEnd(status.returncode, output)


def clear_there(context: MasterContext, name: str) -> None:
    """Remove what is kept of a hook whose end is recorded, unless it runs."""
    clear_job(context, DetachedJob(FOLDER, name, "", 0))


def runs_there(context: MasterContext, name: str) -> bool:
    """Whether a hook runs at this moment."""
    return look_at(context, DetachedJob(FOLDER, name, "", 0)).state is JobState.RUNNING


def left_there(context: MasterContext) -> list[str]:
    """The names of what is kept of hooks."""
    path = shlex.quote(f"{context.master.spool}/{FOLDER}")
    return context.host.run(f"{PREAMBLE}ls {path} 2>/dev/null\n").stdout.split()


def _job(context: MasterContext, hook: MasterHook) -> DetachedJob:
    call = shlex.join(hook.argv)
    if not hook.client:
        return DetachedJob(FOLDER, hook.name, f"{call}\n", hook.timeout_s)
    on_client = limited(call, hook.timeout_s)
    route, host = way_to(context, hook.client)
    text = client_command(route, host, on_client, hook.timeout_s + _ASKING_S // 2)
    return DetachedJob(FOLDER, hook.name, f"{text}\n", hook.timeout_s + _ASKING_S)


def way_to(context: MasterContext, client: str) -> tuple[str, str]:
    """The route to a client as it was found out last, and what the master calls it."""
    master = context.master
    if client == MASTER:
        return SELF, client
    known = context.queries.known_route(master.name, client, context.clock.now() - LASTS)
    hosts = {row.name: row.host for row in context.queries.clients(master.name)}
    return known or master.client_channel, hosts.get(client) or client


def _of_client(hook: MasterHook, status: JobStatus, output: str) -> HookEnd:
    """What the client said; a channel that did not carry it is no end of the hook."""
    answer = parse_channel(output)
    if answer.reached:
        return HookEnd(answer.returncode, answer.output)
    if status.returncode == TIMED_OUT:
        return HookEnd(TIMED_OUT, output)
    ref = ClientRef("", hook.client).client
    return HookEnd(None, f"{answer.output}\nthe channel to {ref} did not carry it\n")
