"""NIM's channel from a master to its clients (nimsh): which machine answers, and what it refuses."""

from __future__ import annotations

import os

from nimwrap.estate import net, nimdb
from nimwrap.estate.hooks import hook
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import Child, environment, start, start_shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

METHODS = "/usr/lpp/bos.sysmgt/nim/methods"


def answering(me: Machine, host: str) -> Machine | None:
    """The machine that a connection to ``host`` reaches now; None when nobody has the address."""
    address = net.lookup(me, host)
    name = net.holder(me, address) if address else None
    return me.peer(name) if name else None


def refusal(me: Machine, host: str, method: str) -> str | None:
    """Why nimsh on ``host`` does not serve this master, as ``method`` reports it; None when it does.

    nimsh compares the master's name and the client's cpuid (reference aix-nim section 5.1); the wording of 0042-008
    is not public and is this estate's own.
    """
    where = "(exec_nimsh_cmd) exec_cmd" if method == "c_rsh" else "(From_Master) connect"
    if net.lookup(me, host) is None:
        return f"0042-006 {method}: {where} Hostname {host} unknown\n"
    client = answering(me, host)
    if client is None or client.fault("host_down"):
        return f"0042-006 {method}: {where} Connection timed out\n"
    if client.fault("nimsh_down"):
        return f"0042-006 {method}: {where} Connection refused\n"
    stored = nimdb.machine_of(me, host)
    cpuid = stored[1].get("cpuid") if stored else None
    compared = nimdb.objects(me).get("master", {}).get("validate_cpuid") != "no"
    if compared and cpuid and cpuid != client.facts["machine_id"]:
        return f"0042-008 {method}: nimsh: Request denied - wrong_cpuid\n"
    if master_of(client) not in (me.name, ""):
        return f"0042-008 {method}: nimsh: Request denied - wrong_master\n"
    return None


def master_of(client: Machine) -> str:
    """NIM_MASTER_HOSTNAME of the client's /etc/niminfo; the master itself has none."""
    for line in client.read("/etc/niminfo").splitlines():
        key, _, value = line.removeprefix("export ").partition("=")
        words = value.replace('"', " ").split()
        if key == "NIM_MASTER_HOSTNAME" and words:
            return words[0]
    return ""


def start_method(client: Machine, method: str, args: Sequence[str]) -> Child:
    """A NIM method started on the client by nimsh: in a session of its own, so it outlives the master's command."""
    over_there = hook(client, "remote")
    if over_there:
        import shlex

        script = shlex.join([f"{METHODS}/{method}", *args])
        return start([*over_there, client.facts["interfaces"][0][1], script], os.environ, cwd="/", detached=True)
    path = client.path(f"{METHODS}/{method}")
    return start([path, *args], environment(client), cwd=client.root or "/", detached=True)


def start_command(client: Machine, address: str, script: str, mark: str = "") -> Child:
    """A command line on the client, its output merged, as c_rsh starts it; ``mark`` as channel_limits makes it."""
    over_there = hook(client, "remote")
    if over_there:
        return start([*over_there, address, script], os.environ, cwd="/", merged=True, detached=True)
    return start_shell(client, script, with_input=False, mark=mark)[0]
