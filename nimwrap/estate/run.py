"""Where every simulated executable begins: find the machine, log the call, hand over to the command's module."""

from __future__ import annotations

import os
import sys

from nimwrap.estate.machine import Machine, root_of

_PIPE_CLOSED = 141


class Call:
    """One call of the executable at ``aix_path`` on ``me``; ``words`` with paths as this host's scripts know them."""

    def __init__(self, me: Machine, module: str, aix_path: str, words: list[str]) -> None:
        me.command = os.path.basename(aix_path)
        self._me = me
        self._args = [me.paths.outward(os.fsencode(word).decode("utf-8", "surrogateescape")) for word in words]
        self._module = __import__(f"nimwrap.estate.commands.sim_{module}", fromlist=["main"])
        changes = getattr(self._module, "changes", None)
        self.changes = bool(changes and changes(me.command, self._args))

    def log(self, kind: str = "read") -> None:
        """A line in the estate's command log."""
        self._me.log([self._me.command, *self._args], kind)

    def run(self) -> int:
        """The command's exit status."""
        status: int = self._module.main(self._me, self._args)
        return status


def main(module: str, aix_path: str) -> None:
    """Run ``nimwrap.estate.commands.sim_<module>`` for the executable that stands at ``aix_path``; exits."""
    call = Call(Machine(root_of(aix_path, sys.argv[0])), module, aix_path, sys.argv[1:])
    call.log("change" if call.changes else "read")
    try:
        status = call.run()
    except BrokenPipeError:
        status = _PIPE_CLOSED
    except KeyboardInterrupt:
        status = 130
    if call.changes:
        call.log("end")
    sys.stdout.flush()
    os._exit(status)
