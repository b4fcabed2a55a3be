"""One simulated machine as its own executables see it: its tree, its facts, the switches of the estate, the log.

Everything is on disk, so a fault set by a test holds for each process at once. Imports are few: this module is
loaded by every command that a script runs.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

from nimwrap.estate.paths import Paths
from nimwrap.estate.stdlib import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BASE = "/.base"
"""Where a lab binds the whole estate into each host's root (see hooks)."""
HANG_LIMIT_S = 900.0
"""The longest that a hanging command stays: nothing simulated outlives a forgotten test by more."""


class Lock:
    """The lock of one file, held from ``with`` to its end, or to that of the process."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


class State:
    """Named JSON files in one directory: read whole, changed under a lock, replaced atomically."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def read(self, name: str) -> dict[str, Any]:
        """The file ``name``.json; empty when there is none."""
        try:
            with open(f"{self.directory}/{name}.json", encoding="utf-8") as file:
                content: dict[str, Any] = loads(file.read())
                return content
        except FileNotFoundError:
            return {}

    def lock(self, name: str) -> Lock:
        """Alone with ``name`` among all processes, for a ``with``."""
        return Lock(f"{self.directory}/{name}.lock")

    def change(self, name: str, edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """``edit`` applied to the content of ``name`` under its lock; returns the new content."""
        with self.lock(name):
            content = self.read(name)
            edit(content)
            self.write(name, content)
        return content

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace ``name`` whole."""
        fresh = f"{self.directory}/{name}.{os.getpid()}.new"
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(dumps(content))
        os.replace(fresh, f"{self.directory}/{name}.json")


class Machine:
    """The host whose tree is ``root`` (an empty string when the tree is the machine's real root: a lab)."""

    def __init__(self, root: str) -> None:
        self.root = root
        with open(f"{root}/.host", encoding="utf-8") as file:
            self.facts: dict[str, Any] = loads(file.read())
        self.name: str = self.facts["name"]
        self.real_root = bool(self.facts.get("real_root"))
        self.base = os.path.dirname(os.path.dirname(root)) if root else BASE
        self.state = State(f"{self.base}/state")
        self.paths = Paths("" if self.real_root else root, self.base, tuple(self.facts.get("tops", ())))
        self.command = ""

    def path(self, aix: str) -> str:
        """Where the AIX path really is."""
        return self.root + aix

    def peer(self, name: str) -> Machine:
        """Another host of the estate."""
        return self if name == self.name else Machine(f"{self.base}/hosts/{name}")

    def out(self, text: str) -> None:
        """Print to stdout at once, with paths as scripts on this host know them."""
        self.put(1, _encoded(self.paths.inward(text)))

    def err(self, text: str) -> None:
        """The same to stderr."""
        self.put(2, _encoded(self.paths.inward(text)))

    def put(self, stream: int, data: bytes) -> None:
        """Write every byte."""
        while data:
            data = data[os.write(stream, data) :]

    def become(self, program: str, words: list[str], env: dict[str, str] | None = None) -> None:
        """Go on as another program of the build machine."""
        os.execve(program, words, dict(os.environ) if env is None else env)  # noqa: S606 (no shell is wanted)

    def fault(self, name: str, host: str = "") -> Any:
        """The value of a fault switch for this host (or ``host``), None when it is off."""
        switch = self.state.read("faults").get(name)
        if not switch:
            return None
        return switch.get(host or self.name, switch.get("*"))

    def setting(self, name: str, default: Any = None) -> Any:
        """One of the estate's settings (export behaviour, image size, rate ...)."""
        return self.state.read("settings").get(name, default)

    def hang(self, while_: Callable[[], bool]) -> None:
        """Do nothing as long as ``while_`` holds and the estate stands; after HANG_LIMIT_S the command is over."""
        until = time.monotonic() + HANG_LIMIT_S
        while self.alive() and while_():
            if time.monotonic() >= until:
                sys.exit(1)
            time.sleep(0.1)

    def alive(self) -> bool:
        """False once the estate was stopped or removed."""
        return os.path.exists(f"{self.state.directory}/running")

    def english(self) -> bool:
        """False where messages come out in French: the fault is on and the caller did not force the C locale."""
        if os.environ.get("LC_ALL", "") in ("C", "POSIX"):
            return True
        return not self.fault("french_locale")

    def read(self, aix: str) -> str:
        """A text file of this host in AIX's terms; empty when it is absent."""
        try:
            with open(self.path(aix), encoding="utf-8", errors="surrogateescape") as file:
                return self.paths.outward(file.read())
        except FileNotFoundError:
            return ""

    def write(self, aix: str, text: str) -> None:
        """Replace a text file of this host; paths in it are those of its tree."""
        fresh = self.path(f"{aix}.{os.getpid()}")
        with open(fresh, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(self.paths.inward(text))
        os.replace(fresh, self.path(aix))

    def log(self, argv: list[str], kind: str) -> None:
        """Append to the estate's command log: host, time, kind, argv, in fields that a shell can write too.

        ``kind`` is read or change when a command begins, and end when a changing one has ended by itself.
        """
        fields = [self.name, f"{time.time():.3f}", kind, *argv]
        record = "\x1f".join(field.replace("\x1f", "?").replace("\x1e", "?") for field in fields) + "\x1e"
        handle = os.open(f"{self.state.directory}/commands.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, record.encode("utf-8", "surrogateescape"))
        finally:
            os.close(handle)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def root_of(aix_path: str, started_as: str) -> str:
    """The tree that the executable ``started_as`` belongs to; it stands at ``aix_path`` in it."""
    real = os.path.realpath(started_as)
    if not real.endswith(aix_path):
        sys.exit(f"{started_as}: not at its place {aix_path}")
    return real[: -len(aix_path)]
