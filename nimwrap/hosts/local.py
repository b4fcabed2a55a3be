"""The machine nimwrap runs on, when that is the NIM master itself: scripts are run by its own shell."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from nimwrap.config.model import MasterConfig
from nimwrap.hosts.bounded_output import Passed, Sink
from nimwrap.hosts.command import LINE_LIMIT, unwrapped, wrapped
from nimwrap.hosts.host_errors import Endpoint, first_line, login_refused, start_hint, unfinished, unreachable
from nimwrap.hosts.local_process import run_process
from nimwrap.hosts.protocol import CommandResult

_LIMIT = LINE_LIMIT if sys.platform == "aix" else 100_000
"""Longest script that goes as an argument; Linux takes 128 kB for one."""

_KSH = Path("/usr/bin/ksh")
OURS_ALONE = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "CREDENTIALS_DIRECTORY")
"""What systemd tells nimwrap and no command of the master may use."""

_STARTUP_FILES = ("ENV", "BASH_ENV")
"""Files that ksh88 and bash run before any script, with whatever those print."""


class LocalHost:
    """Runs scripts with ``shell -c`` (ksh where there is one), in a session of their own; thread safe."""

    def __init__(self, name: str, shell: str = "", become: str = "") -> None:
        self._name = name
        self._shell = shell or (str(_KSH) if _KSH.exists() else "/bin/sh")
        self._become = become

    @property
    def name(self) -> str:
        return self._name

    def run(self, script: str, *, timeout: float = 120.0, sink: Sink | None = None) -> CommandResult:
        """As the protocol says; on a passed ``timeout`` the script's session gets SIGHUP."""
        if not self._become and len(script.encode()) <= _LIMIT:
            return self._run([self._shell, "-c", script], timeout, out=Passed(sink) if sink else None)
        command = wrapped(script, become=self._become, shell=self._shell)
        out = Passed(sink, command.begin) if sink else None
        raw = self._run(["/bin/sh", "-c", command.line], timeout, command.stdin, out)
        back = unwrapped(command, raw.stdout, raw.stderr)
        if not back.started and raw.returncode is not None:
            said = first_line(raw.stderr + raw.stdout)
            raise login_refused(self._endpoint(), f"{self._become or self._shell}: {said}", start_hint(self._become))
        return replace(raw, stdout=back.stdout, stderr=back.stderr + unfinished(self._become, back, raw.returncode))

    def close(self) -> None:
        """Nothing is kept open."""

    def _run(self, argv: list[str], timeout: float, stdin: bytes = b"", out: Passed | None = None) -> CommandResult:
        environ = {key: value for key, value in os.environ.items() if key not in (*OURS_ALONE, *_STARTUP_FILES)}
        try:
            return run_process(argv, timeout=timeout, stdin=stdin, environ=environ, out=out)
        except OSError as error:
            hint = f"check that {argv[0]} is there and can be executed"
            raise unreachable(self._endpoint(), f"{argv[0]}: {error.strerror}", hint) from error

    def _endpoint(self) -> Endpoint:
        return Endpoint(self._name, "this machine", 0, "")


def open_host(master: MasterConfig, *, ahead: bool) -> LocalHost:
    """The host behind ``master``; nothing is connected before its first command."""
    return LocalHost(master.name, master.shell, master.become)
