"""A real sshd on loopback for tests: its own port, host key, user key and log, run by the user who runs the tests.

with Sshd(tmp_path, force_command="/estate/shell") as server:
    MasterConfig("nim", transport="ssh", **server.master_keys())
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import pytest

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")


def _obstacle() -> str:
    """Why no sshd can be run here, or run commands for whoever runs the tests; empty when one can."""
    if not (SSHD and shutil.which("ssh-keygen")):
        return "OpenSSH's sshd and ssh-keygen are not installed here"
    try:
        shell = Path(pwd.getpwuid(os.getuid()).pw_shell).name
    except KeyError:
        return f"sshd lets nobody in who is not in the user database, as uid {os.getuid()} is not"
    return f"sshd runs no command for a user whose login shell is {shell}" if shell in ("nologin", "false") else ""


needs_sshd = pytest.mark.skipif(bool(_obstacle()), reason=_obstacle())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path) -> Path:
    """A fresh ed25519 key pair at ``path`` (and ``path.pub``)."""
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path], check=True)
    return path


class Sshd:
    """``options`` are further lines of sshd_config, for example ``MaxSessions 2``."""

    def __init__(self, root: Path, *, force_command: str = "", options: str = "", port: int = 0) -> None:
        self.root = root
        self.port = port or free_port()
        self.user = getpass.getuser()
        self.log = root / "sshd.log"
        self.host_key = root / "host_key"
        self.user_key = root / "user_key"
        self.known_hosts = root / "known_hosts"
        self._lines = [*(["ForceCommand " + force_command] if force_command else []), options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation wants it
        for key in (self.host_key, self.user_key):
            if not key.exists():
                make_key(key)
        shutil.copy(f"{self.user_key}.pub", self.root / "authorized_keys")
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {Path(f'{self.host_key}.pub').read_text()}")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def master_keys(self) -> dict[str, Any]:
        """The keys of ``[masters.X]`` that lead here, but for the transport."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "identity_file": str(self.user_key),
            "known_hosts": str(self.known_hosts),
        }

    def start(self) -> None:
        """Start listening; returns when a connection is accepted."""
        config = self.root / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.host_key}\nPidFile none\n"
            f"AuthorizedKeysFile {self.root}/authorized_keys\nUsePAM no\nStrictModes no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nUseDNS no\n"
            "PrintMotd no\nLogLevel VERBOSE\nSetEnv SHLVL=5\n"  # no first shell: bash leaves the user's .bashrc alone
            + "\n".join(self._lines)
            + "\n"
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(SSHD), "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"sshd did not start: {self.log.read_text()}")

    def change_host_key(self) -> None:
        """From now on another machine, as far as anybody can tell; the old key stays known."""
        self.stop()
        make_key(self.host_key)
        self.start()

    def sessions(self) -> list[int]:
        """The processes that serve connections, not the listener."""
        return [pid for pid in _descendants(self.pid) if _name(pid).startswith("sshd")]

    def signal_sessions(self, number: signal.Signals) -> None:
        """Freeze (SIGSTOP), wake or kill what serves the open connections; their commands are left alone."""
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """End the listener and every connection, with the commands that run in them."""
        if self._process is None or self._process.poll() is not None:
            return
        family = _descendants(self.pid)
        self._process.terminate()
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)


def _descendants(root: int) -> list[int]:
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listing.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, []).append(pid)
    found = list(children.get(root, []))
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def _name(pid: int) -> str:
    return subprocess.run(["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False).stdout
