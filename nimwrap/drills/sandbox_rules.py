"""On what a drill may be carried out: a configured sandbox alone, and no node of a cluster near the original."""

from __future__ import annotations

import shlex

from nimwrap.aix import lsnim
from nimwrap.config.model import Config, SandboxConfig
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.errors import usage_error
from nimwrap.domain.findings import Failure
from nimwrap.domain.target_names import shown
from nimwrap.history.model import ImageRow
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.master_context import MasterContext


def sandbox_named(config: Config, name: str | None) -> SandboxConfig:
    """The sandbox of this name, or the only one; a usage error where there is none."""
    known = config.sandboxes
    if not known:
        raise usage_error("no sandbox is configured", "add a table such as [sandboxes.lab]: docs/drills.md")
    if name is None and len(known) > 1:
        raise usage_error("several sandboxes are configured", f"--on {' or '.join(known)}")
    if name is not None and name not in known:
        raise usage_error(f"no sandbox is called {shown(name)}", did_you_mean(name, list(known)) or ", ".join(known))
    return known[name] if name is not None else next(iter(known.values()))


def refusal(context: MasterContext, row: ImageRow, sandbox: SandboxConfig, needs: str) -> Failure | None:
    """Why this image may not be restored there; None when it may. What is not known refuses."""
    if not getattr(sandbox, needs):
        return _refused(f"[sandboxes.{sandbox.name}] has no {needs}", f"add {needs} = ... where this may be tried")
    if sandbox.client == row.client:
        return _refused(f"{row.client} is the machine whose backup is tried", "name another machine as the sandbox")
    if not row.resource:
        return _refused(f"{row.location} is no NIM resource, so it cannot be allocated", "nimwrap images adopt")
    if not _in_cluster(context, row.client):
        return None
    networks = [_network(context, name) for name in (row.client, sandbox.client)]
    if None not in networks and networks[0] != networks[1]:
        return None
    where = f"the network {networks[0]}" if networks[0] else "a network that NIM does not tell"
    why = f"{row.client} is a node of a PowerHA cluster, and {sandbox.client} is on {where} like it"
    return _refused(why, "a second node of that name beside it could harm the cluster: use a sandbox elsewhere")


def _in_cluster(context: MasterContext, client: str) -> bool:
    master = context.master.name
    if context.config.client(master, client).cluster:
        return True
    if any(row.cluster for row in context.queries.clients(master) if row.name == client):
        return True
    return any(run.cluster for run in context.queries.last_runs(master, client, 3))


def _network(context: MasterContext, client: str) -> str | None:
    """The NIM network of a machine; None when NIM does not tell."""
    answer = context.host.run(f"{PREAMBLE}{shlex.join(lsnim.long_argv(client))}\n", timeout=60)
    if answer.unknown or answer.failed:
        return None
    found = lsnim.parse_long(answer.stdout).get(client)
    words = (found.first("if1") or "").split() if found else []
    return words[0] if words else None


def _refused(why: str, fix: str) -> Failure:
    return Failure(FailureCode.EXCLUDED, why, fix)
