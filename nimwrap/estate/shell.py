"""The shell of a simulated host: takes a script in AIX's terms, as ``-c SCRIPT`` or by SSH_ORIGINAL_COMMAND.

Used as a master's ``shell`` (transport local) and as sshd's ForceCommand. It behaves like the shell itself: same
status, output as it comes, and the end only when all who hold the output are gone, as with a real login.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from types import FrameType

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import Child, pump, start_shell, write_all

_SHELL_ON_STDIN = re.compile(r"\s*(exec\s+)?(/usr/bin/|/bin/)?(ksh|ksh93|sh|bash)(\s+-s)?\s*")


def main(host_root: str) -> None:
    """Run what the caller asks for on the host at ``host_root``; exits with its status."""
    me = Machine(host_root)
    child = start_shell(me, _script())
    _pass_signals_on(child)
    out, err = me.paths.stripper(), me.paths.stripper()
    try:
        pump(
            {
                child.stdout: lambda data: write_all(1, out.feed(data)),
                child.stderr: lambda data: write_all(2, err.feed(data)),
            }
        )
        write_all(1, out.flush())
        write_all(2, err.flush())
    except BrokenPipeError:
        os._exit(141)
    os._exit(child.wait())


def _script() -> str:
    """``-c`` first, then sshd's command, else what stands on stdin; so too when the command is only a shell."""
    words = sys.argv[1:]
    if words and words[0].startswith("-") and words[0].endswith("c") and len(words) > 1:
        script = words[1]
    else:
        script = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if not script or _SHELL_ON_STDIN.fullmatch(script):
        return sys.stdin.read()
    return script


def _pass_signals_on(child: Child) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        try:
            os.kill(child.pid, number)
        finally:
            os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, pass_on)
