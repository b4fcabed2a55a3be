"""One host of the lab: its root, its processes, its services."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import tree
from tests.lab.network import PROGRAMS, Network

SSHD = "/.lab/usr/sbin/sshd"
PATH = "/usr/bin:/etc:/usr/sbin:/usr/ucb:/usr/bin/X11:/sbin"
_LOGIN = {"PATH": PATH, "HOME": "/", "LOGNAME": "root", "USER": "root", "SHELL": "/usr/bin/ksh", "LANG": "C"}


@dataclass(frozen=True)
class Said:
    """What a script on a host came to."""

    status: int
    text: str


class LabHost:
    """``start`` boots it; ``kill`` is a power failure: every process of it ends at once, its disk stays."""

    def __init__(self, name: str, base: Path, network: Network, services: Sequence[tuple[list[str], int]]) -> None:
        self.name = name
        self.tree = base / "hosts" / name
        self._base = base
        self._network = network
        self._services = services
        self._process: subprocess.Popen[str] | None = None
        self.pid = 0

    def start(self, processes_of: LabHost | None = None) -> None:
        """Begin to boot; :meth:`await_up` says when it is done.

        ``processes_of``: another host that sees this one's processes too, as a global environment sees its WPARs'.
        """
        asked = {"name": self.name, "tree": str(self.tree), "binds": tree.binds(self._base), "services": self._services}
        told = self._base / "logs" / f"{self.name}.boot"
        told.write_text(json.dumps(asked))
        enter = ["ip", "netns", "exec", self.name, "unshare", "--mount", "--uts", "--fork", "--kill-child"]
        if processes_of is None:
            enter.append("--pid")
        else:
            enter = ["nsenter", "-t", str(processes_of.pid), "-p", "--", *enter]
        self._process = subprocess.Popen(
            self._network.inside(*enter, tree.sys.executable, "-SEs", str(PROGRAMS / "boot.py"), str(told)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def await_up(self) -> None:
        """RuntimeError when it did not come up, with what it said."""
        assert self._process and self._process.stdout
        said = self._process.stdout.readline()
        if not said.startswith("up "):
            logs = self._base / "logs" / self.name
            more = logs.read_text(errors="replace")[-2000:] if logs.exists() else ""
            raise RuntimeError(f"{self.name} did not start: {said}{self._process.stdout.read()}\n{more}")
        self.pid = int(said.split()[1])

    def kill(self) -> None:
        """The power fails."""
        if self._process is None:
            return
        self.signal("")
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    def enter(self, *argv: str) -> list[str]:
        """``argv`` as a command on this host, as its root."""
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-u", "-r", "-w", "--", *argv]

    def run(self, script: str, limit_s: float = 60) -> Said:
        """A script in the login shell, its output merged."""
        done = subprocess.run(
            self.enter("/usr/bin/ksh", "-c", script),
            env=_LOGIN,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode("utf-8", "replace"))

    def processes(self, containing: str) -> list[int]:
        """The host's processes whose command line contains the text, by their numbers on this machine."""
        found: list[int] = []
        try:
            ours = Path(f"/proc/{self.pid}/ns/net").stat().st_ino
        except FileNotFoundError:
            return found
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                if containing.encode() in line and (process / "ns/net").stat().st_ino == ours:
                    found.append(int(process.name))
        return found

    def signal(self, containing: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to those processes; returns how many there were."""
        found = self.processes(containing)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(found)

    def start_service(self, argv: Sequence[str]) -> None:
        """Start a service again that was killed; it stays when we go on."""
        subprocess.Popen(
            self.enter(*argv),
            env=_LOGIN,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(0.1)
