"""One process that runs the commands which only read, for all estates of its owner, so that each need not load Python.

The command is still a process of its own (see launchers): its words, its directory and its environment are what it
is run with here, and it prints and leaves by itself. A call that would change, hang or become another program is
sent back, to be run the plain way. The server ends when its owner does, who holds the other end of its input.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nimwrap.estate.machine import Machine, root_of
from nimwrap.estate.process import FILE_LIMIT, UMASK, environment, login_shell
from nimwrap.estate.run import Call
from nimwrap.estate.shell import host_of

_OWNER = 0
_PATIENCE_S = 20.0
"""The longest that an asking process may take to say what it wants: one that was stopped must not stop the others."""


class _ElsewhereError(Exception):
    """The call is not for the server."""


class _ServedMachine(Machine):
    """The machine for a command that runs here: what it prints is kept for the process that asked."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.said: list[tuple[int, bytes]] = []

    def put(self, stream: int, data: bytes) -> None:
        self.said.append((stream, data))

    def hang(self, _while: object) -> None:
        raise _ElsewhereError

    def become(self, _program: str, _words: list[str], _env: dict[str, str] | None = None) -> None:
        raise _ElsewhereError


def serve(listening: socket.socket) -> None:
    """Answer one after the other until the owner is gone."""
    while True:
        ready, _, _ = select.select([listening.fileno(), _OWNER], [], [])
        if _OWNER in ready:
            return
        asking, _ = listening.accept()
        with asking, suppress(OSError):
            asking.settimeout(_PATIENCE_S)
            asking.sendall(_answer(_question(asking)))


def _question(asking: socket.socket) -> list[bytes]:
    text = b""
    while data := asking.recv(65536):
        text += data
    return text.split(b"\0")


def _answer(question: list[bytes]) -> bytes:
    """What the asking program is told; nothing when it has to do all by itself."""
    try:
        if question[0] == b"shell":
            return _what_to_start(os.fsdecode(question[1]), os.fsdecode(question[2]), question[3:])
        if question[0] == b"inward":
            return os.fsencode(host_of(os.fsdecode(question[1])).paths.inward(os.fsdecode(question[2])))
        return _what_a_command_says(question)
    except (Exception, SystemExit):
        return b""


def _what_to_start(program: str, script: str, caller: list[bytes]) -> bytes:
    """For the shell ``program``: the real shell, its directory, what to strip from output, umask, script, environment.

    Nothing where a limit is to be set that its asking program cannot set.
    """
    _take_environment(caller)
    me = host_of(program)
    env = environment(me)
    if FILE_LIMIT in env:
        return b""
    words = [login_shell(me), me.root or "/", me.paths.prefix, env.get(UMASK, ""), me.paths.inward(script)]
    return os.fsencode("\0".join([*words, *(f"{name}={value}" for name, value in env.items())]))


def _take_environment(pairs: list[bytes]) -> None:
    os.environb.clear()
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        os.environb[name] = value
    time.tzset()


def _what_a_command_says(question: list[bytes]) -> bytes:
    """Pieces for stdout (1) and stderr (2), each with its length, and the status (0); nothing: run it yourself."""
    module, path, program, directory, count = (os.fsdecode(word) for word in question[:5])
    last = 5 + int(count)
    _take_environment(question[last:])
    os.chdir(directory)
    me = _ServedMachine(root_of(path, program))
    call = Call(me, module, path, [os.fsdecode(word) for word in question[5:last]])
    if call.changes:
        return b""
    status = call.run()
    call.log()
    pieces = [bytes([stream]) + len(data).to_bytes(4, "big") + data for stream, data in me.said]
    return b"".join([*pieces, b"\0", status.to_bytes(4, "big")])


def main(place: str) -> None:
    """Serve on the socket ``place`` until the input ends."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(256)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        serve(listening)


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """A server below ``directory``, for estates that are built with ``server=`` what this yields."""
    import subprocess

    place, code = str(directory / "commands"), str(Path(__file__).resolve().parents[2])
    text = "import sys; sys.path.insert(0, sys.argv[1]); from nimwrap.estate.server import main; main(sys.argv[2])"
    argv = [os.path.realpath(sys.executable), "-SEs", "-c", text, code, place]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as process:
        if process.stdout and process.stdout.readline():
            yield place
