"""The shell of a simulated host: takes a script in AIX's terms, as ``-c SCRIPT``, by SSH_ORIGINAL_COMMAND or on stdin.

Used as a master's ``shell`` (transport local) and as sshd's ForceCommand. It behaves like the shell itself: same
status, output as it comes, input as it is read (its paths are rewritten too, for it may be the script), and the end
only when all who hold the output are gone, as with a real login.
"""

from __future__ import annotations

import os
import select
import sys

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import Child, start_shell, write_all
from nimwrap.estate.stdlib import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_LISTENER_GONE = 141
_INPUT_AHEAD = 65536


def main(program: str) -> None:
    """Run what the caller asks for on the host of ``program``; exits as it does."""
    me = host_of(program)
    script = _script()
    child, child_input = start_shell(me, script, with_input=True)
    _pass_signals_on(child)
    try:
        _Exchange(me, child, child_input).run()
    except BrokenPipeError:
        os._exit(_LISTENER_GONE)
    os._exit(child.wait())


def host_of(program: str) -> Machine:
    """The host that the shell ``program`` (ESTATE/shells/HOST) belongs to."""
    shells, name = os.path.split(os.path.realpath(program))
    return Machine(f"{os.path.dirname(shells)}/hosts/{name}")


def _script() -> str:
    """``-c`` first, then sshd's command; without both the host's shell reads its script from the input itself."""
    words = sys.argv[1:]
    if len(words) > 1 and words[0].startswith("-") and words[0].endswith("c"):
        return words[1]
    return os.environ.get("SSH_ORIGINAL_COMMAND") or "exec /usr/bin/ksh -s"


class _Exchange:
    """Passes output out, with the tree's prefix stripped, and input in, with paths rewritten, until output ends."""

    def __init__(self, me: Machine, child: Child, child_input: int) -> None:
        self._inward = me.paths.inward
        self._outputs = {child.stdout: (1, me.paths.stripper()), child.stderr: (2, me.paths.stripper())}
        self._input = child_input
        self._held = b""
        self._pending = b""
        self._reading = True
        os.set_blocking(child_input, False)

    def run(self) -> None:
        while self._outputs:
            readable, writable, _ = select.select(self._sources(), self._sinks(), [])
            for pipe in readable:
                if pipe == 0:
                    self._take_input()
                else:
                    self._pass_output(pipe)
            if writable:
                self._give_input()

    def _sources(self) -> list[int]:
        reading = self._reading and self._input >= 0 and len(self._pending) < _INPUT_AHEAD
        return [*self._outputs, *([0] if reading else [])]

    def _sinks(self) -> list[int]:
        return [self._input] if self._input >= 0 and (self._pending or not self._reading) else []

    def _pass_output(self, pipe: int) -> None:
        stream, stripper = self._outputs[pipe]
        data = os.read(pipe, 65536)
        write_all(stream, stripper.feed(data) if data else stripper.flush())
        if not data:
            del self._outputs[pipe]

    def _take_input(self) -> None:
        """Whole lines are passed on, so that no path is cut."""
        try:
            data = os.read(0, 65536)
        except OSError:
            data = b""
        self._held += data
        end = self._held.rfind(b"\n") + 1 if data else len(self._held)
        self._pending += os.fsencode(self._inward(os.fsdecode(self._held[:end])))
        self._held = self._held[end:]
        self._reading = bool(data)

    def _give_input(self) -> None:
        try:
            self._pending = self._pending[os.write(self._input, self._pending) :] if self._pending else b""
        except BrokenPipeError:
            self._pending, self._reading = b"", False
        if not self._pending and not self._reading:
            os.close(self._input)
            self._input = -1


def _pass_signals_on(child: Child) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        try:
            os.kill(child.pid, number)
        finally:
            os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, pass_on)
