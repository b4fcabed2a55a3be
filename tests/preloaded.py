"""nimwrap as processes that are forked from one which has loaded it: each its own, without 0.2 s of imports.

The process has its words, directory, environment and streams, and ends as ``python -m nimwrap`` does. What the
interpreter itself takes from the environment when it starts must be as it was for the one that loaded.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from nimwrap.__main__ import main as nimwrap

ROOT = Path(__file__).resolve().parent.parent
_OWNER = 0
_STREAMS = 3
_INTERPRETERS = ("PYTHON", "LC_", "LANG", "COVERAGE", "NIMWRAP_FAILPOINT_")


def _fixed(env: Mapping[str, str]) -> dict[str, str]:
    """What cannot be changed once nimwrap is loaded."""
    return {name: text for name, text in env.items() if name.startswith(_INTERPRETERS)}


class Preloaded:
    """The tests' end: asks for one process after the other."""

    def __init__(self, place: str, env: Mapping[str, str]) -> None:
        self._place = place
        self._fixed = _fixed(env)

    def can_run(self, env: Mapping[str, str]) -> bool:
        return _fixed(env) == self._fixed

    def run(
        self, arguments: Sequence[str], env: Mapping[str, str], stdin: bytes, timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Exit status, stdout and stderr; TimeoutExpired after killing it."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(self._place)
            pipes = [os.pipe() for _ in range(_STREAMS)]
            theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
            socket.send_fds(asking, [b"\0"], theirs)
            for stream in theirs:
                os.close(stream)
            asking.sendall(json.dumps({"arguments": arguments, "env": dict(env), "cwd": str(Path.cwd())}).encode())
            asking.shutdown(socket.SHUT_WR)
            told = asking.makefile()
            pid = int(told.readline())
            said = _exchange(pipes[0][1], stdin, (pipes[1][0], pipes[2][0]), time.monotonic() + timeout)
            if said is None:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(arguments), timeout)
            return int(told.readline()), *said


def _exchange(giving: int, stdin: bytes, taking: tuple[int, int], until: float) -> tuple[bytes, bytes] | None:
    """Both outputs to their ends; None when the time is over before."""
    said: dict[int, bytes] = dict.fromkeys(taking, b"")
    try:
        with selectors.DefaultSelector() as ready:
            for pipe in taking:
                ready.register(pipe, selectors.EVENT_READ)
            with suppress(BrokenPipeError), open(giving, "wb") as given:
                given.write(stdin)
            while ready.get_map():
                events = ready.select(until - time.monotonic())
                if not events and time.monotonic() >= until:
                    return None
                for key, _ in events:
                    data = os.read(key.fd, 65536)
                    said[key.fd] += data
                    if not data:
                        ready.unregister(key.fd)
        return said[taking[0]], said[taking[1]]
    finally:
        for pipe in taking:
            os.close(pipe)


@contextmanager
def preloaded(directory: Path, env: Mapping[str, str]) -> Iterator[Preloaded | None]:
    """nimwrap, loaded, below ``directory``; None where the system cannot tell the end of such processes."""
    if not hasattr(os, "pidfd_open"):
        yield None
        return
    place = str(directory / "nimwrap")
    argv = [sys.executable, "-m", "tests.preloaded", place]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=dict(env)) as process:
        if process.stdout and process.stdout.readline():
            yield Preloaded(place, env)


def _serve(listening: socket.socket) -> dict[str, Any] | None:
    """Fork for each question until the owner is gone; returns in each fork too, with what it was asked."""
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        ready, _, _ = select.select([listening.fileno(), _OWNER, *running], [], [])
        for ended in running.keys() & set(ready):
            pid, asking = running.pop(ended)
            os.close(ended)
            _, status = os.waitpid(pid, 0)
            with asking, suppress(OSError):
                asking.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        if _OWNER in ready:
            return None
        if listening.fileno() in ready:
            asking, _ = listening.accept()
            _, streams, _, _ = socket.recv_fds(asking, 1, _STREAMS)
            question = b"".join(iter(lambda: asking.recv(65536), b""))  # noqa: B023  it is read here
            pid = os.fork()
            if pid == 0:
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                return json.loads(question)  # type: ignore[no-any-return]
            for stream in streams:
                os.close(stream)
            asking.sendall(f"{pid}\n".encode())
            running[os.pidfd_open(pid)] = pid, asking


@cache
def load() -> None:
    """All of nimwrap but the estate, and what it loads late."""
    import nimwrap as package

    for module in pkgutil.walk_packages(package.__path__, "nimwrap."):
        if not module.name.startswith(("nimwrap.estate", "nimwrap.__main__")):
            with suppress(ImportError):  # optional libraries
                __import__(module.name)


def main(place: str) -> int:
    """The server, and in each fork nimwrap."""
    load()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(64)
        print("ready", flush=True)
        asked = _serve(listening)
    if asked is None:
        return 0
    os.closerange(_STREAMS, 256)
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.argv = [str(ROOT / "nimwrap/__main__.py"), *asked["arguments"]]
    return nimwrap()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
