"""NIM's c_rsh HOST 'command': the client's output, never its exit status (reference aix-nim section 5.1)."""

from __future__ import annotations

import os

from nimwrap.estate import channel_limits, net, nimdb, remote
from nimwrap.estate.hooks import hook
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import Child, pump, write_all

_GARBLED = b"\xff\xfe\x93\xe9\x80garbled\x00\xc3\n"


def changes(_command: str, _args: list[str]) -> bool:
    """The channel itself changes nothing; what runs through it has its own entry in the log."""
    return False


def main(me: Machine, args: list[str]) -> int:
    """Everything the command prints comes out on stdout; 0 when it was started at all."""
    if len(args) < 2:
        me.err("usage: c_rsh <host> <command>\n")
        return 2
    host, script = args[0], " ".join(args[1:])
    found = nimdb.objects(me).get(host)
    if found:
        host = nimdb.if1_host(found) or host
    refused = remote.refusal(me, host, "c_rsh")
    if refused:
        me.err(refused)
        return 6
    client = remote.answering(me, host)
    if client is None:
        return 6
    if client.fault("c_rsh_hang"):
        me.hang(lambda: bool(client.fault("c_rsh_hang")))
        return 1
    script, refused = channel_limits.carried(client, script)
    if refused:
        (me.out if client.fault("channel_merged") else me.err)(refused)
        return _status(client, 1)
    mark = channel_limits.marked(client)
    child = remote.start_command(client, net.lookup(me, host) or host, script, mark)
    status = _relay(me, client, child)
    channel_limits.end_request(client, child.pid, mark)
    return _status(client, status)


def _status(client: Machine, status: int) -> int:
    return 0 if client.fault("channel_status_hidden") else status


def _relay(me: Machine, client: Machine, child: Child) -> int:
    held = b""
    lose_end = bool(client.fault("lost_rc"))
    if client.fault("garbled_output"):
        write_all(1, _GARBLED)

    def take(data: bytes) -> None:
        """Whole lines only, so that no path is cut; ``idle`` passes on the rest."""
        nonlocal held
        held += data
        end = held.rfind(b"\n") + 1
        if lose_end:
            end = held.rfind(b"\n", 0, end - 1) + 1 if end else 0
        _pass(held[:end])
        held = held[end:]

    def idle() -> None:
        nonlocal held
        if not lose_end:
            _pass(held)
            held = b""

    def _pass(data: bytes) -> None:
        if data:
            text = client.paths.outward(os.fsdecode(data))
            write_all(1, os.fsencode(me.paths.inward(text)))

    pump({child.stdout: take}, idle)
    idle()
    if child.wait() == 255 and hook(client, "remote"):
        me.err("0042-006 c_rsh: (exec_nimsh_cmd) exec_cmd Connection timed out\n")
        return 6
    return 0
