"""Where every simulated executable begins: find the machine, log the call, hand over to the command's module."""

from __future__ import annotations

import os
import sys

from nimwrap.estate.machine import here

_PIPE_CLOSED = 141


def main(module: str, aix_path: str) -> None:
    """Run ``nimwrap.estate.commands.sim_<module>`` for the executable that stands at ``aix_path``; exits."""
    me = here(aix_path, sys.argv[0])
    me.command = os.path.basename(aix_path)
    args = [me.paths.outward(os.fsencode(word).decode("utf-8", "surrogateescape")) for word in sys.argv[1:]]
    command = __import__(f"nimwrap.estate.commands.sim_{module}", fromlist=["main"])
    changes = getattr(command, "changes", None)
    argv, changing = [me.command, *args], bool(changes and changes(me.command, args))
    me.log(argv, "change" if changing else "read")
    try:
        status: int = command.main(me, args)
    except BrokenPipeError:
        status = _PIPE_CLOSED
    except KeyboardInterrupt:
        status = 130
    if changing:
        me.log(argv, "end")
    sys.stdout.flush()
    os._exit(status)
