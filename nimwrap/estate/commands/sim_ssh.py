"""/usr/bin/ssh HOST COMMAND on a master: to clients only where the switch ``ssh_to_clients`` says that its key is known
there; to another master unless ``ssh_to_masters_refused`` says otherwise. Only a master reads what is sent to it."""

from __future__ import annotations

import os

from nimwrap.estate import net, remote
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import environment, login_shell, pump, start, write_all

_FAILED = 255


def changes(_command: str, _args: list[str]) -> bool:
    """As with c_rsh: what runs through it has its own entry in the log."""
    return False


def main(me: Machine, args: list[str]) -> int:
    """The command's output, its streams merged, and its exit status."""
    words = list(args)
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] in ("-o", "-p", "-l") else 1]
    if len(words) < 2:
        me.err("usage: ssh host command\n")
        return _FAILED
    host, script = words[0], " ".join(words[1:])
    if host == me.setting("hmc"):
        return _hmc(me, script)
    client = remote.answering(me, host)
    if client is None or client.fault("host_down"):
        me.err(f"ssh: connect to host {host} port 22: Connection timed out\n")
        return _FAILED
    master = client.facts["role"] == "master"
    if client.fault("ssh_to_masters_refused") if master else not client.fault("ssh_to_clients"):
        me.err(f"root@{host}: Permission denied (publickey).\n")
        return _FAILED
    if master:
        return _at_master(me, client, script)
    child = remote.start_command(client, net.lookup(me, host) or host, script)
    portions: list[bytes] = []
    pump({child.stdout: portions.append})
    text = client.paths.outward(os.fsdecode(b"".join(portions)))
    write_all(1, os.fsencode(me.paths.inward(text)))
    return child.wait()


def _at_master(me: Machine, other: Machine, script: str) -> int:
    """The script with what is sent to it as it comes: an image has no paths that would have to be rewritten."""
    argv = [login_shell(other), "-c", other.paths.inward(script)]
    child = start(argv, environment(other), cwd=other.root or "/")
    said: dict[int, list[bytes]] = {child.stdout: [], child.stderr: []}
    pump({pipe: portions.append for pipe, portions in said.items()})
    for stream, pipe in ((1, child.stdout), (2, child.stderr)):
        text = other.paths.outward(os.fsdecode(b"".join(said[pipe])))
        write_all(stream, os.fsencode(me.paths.inward(text)))
    return child.wait()


def _hmc(me: Machine, script: str) -> int:
    """An HMC, which knows ``lpar_netboot ... LPAR PROFILE SYSTEM`` alone, and LPARs by their NIM names."""
    from nimwrap.estate.nimoperations import install

    words = script.split()
    if words[:1] != ["lpar_netboot"] or not install(me, words[-3]):
        me.err("lpar_netboot: Network boot failed.\n")
        return 1
    me.out("# Connecting to the partition.\n# Network booting install adapter.\n# bootp sent over network.\n")
    return 0
