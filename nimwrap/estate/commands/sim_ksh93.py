"""/usr/bin/ksh93 -c TEXT HOST: its redirection to /dev/tcp/HOST/PORT is a connection; other scripts really run."""

from __future__ import annotations

import subprocess

from nimwrap.estate import connections
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import shell_path

_REDIRECTION = "exec 3<>/dev/tcp/$0/"


def main(me: Machine, args: list[str]) -> int:
    """What stands behind the redirection runs while the connection lasts."""
    if len(args) < 3 or args[0] != "-c" or not args[1].startswith(_REDIRECTION):
        me.become(shell_path(), ["ksh93", *(me.paths.inward(word) for word in args)])
    port, _, rest = args[1].removeprefix(_REDIRECTION).partition(" && ")
    if connections.connected(me, args[2], port, lambda: _run(rest)):
        return 0
    me.err(f"{args[0]}: /dev/tcp/{args[2]}/{port}: cannot create\n")
    return 1


def _run(text: str) -> None:
    subprocess.run([shell_path(), "-c", text], check=False)
