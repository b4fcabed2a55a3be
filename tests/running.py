"""nimwrap as a user runs it: its own process, its exit code, its two streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.preloaded import ROOT, Preloaded

__all__ = ["ROOT", "Cli", "ConfigWriter", "Ran", "begin", "command", "environment", "run"]

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "COVERAGE_PROCESS_START", "SYSTEMROOT")
_KEPT_PREFIXES = ("NIMWRAP_FAILPOINT_", "LC_")


@dataclass(frozen=True)
class Ran:
    """What came of one call."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails when there is anything else."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def data(self) -> dict[str, Any]:
        """``data`` of the envelope."""
        data: dict[str, Any] = self.json["data"]
        return data

    @property
    def codes(self) -> list[str]:
        """The codes of ``errors[]``."""
        return [error["code"] for error in self.json["errors"]]

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


Cli = Callable[..., Ran]
"""``run_cli``: the words of a command line, and what :func:`run` takes beside them."""
ConfigWriter = Callable[..., Path]
"""``estate_config``: what ``Estate.config`` takes; returns the file."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """A clean environment: nothing of the caller's configuration, terminal or service reaches the child."""
    kept = {name: text for name, text in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    return kept | {"HOME": str(home), "TERM": "dumb", "PYTHONPATH": str(ROOT)} | more


def command(*arguments: str | Path, config: Path | None = None) -> list[str]:
    """The argv that runs nimwrap in this interpreter."""
    named = [] if config is None else ["--config", str(config)]
    return [sys.executable, "-m", "nimwrap", *named, *map(str, arguments)]


def run(
    *arguments: str | Path,
    home: Path,
    config: Path | None = None,
    env: dict[str, str] | None = None,
    stdin: str = "",
    timeout: float = 120,
    loaded: Preloaded | None = None,
) -> Ran:
    """Run nimwrap to its end, forked from ``loaded`` where that can be; TimeoutExpired when it does not come to one."""
    argv, clean = command(*arguments, config=config), environment(home, **(env or {}))
    if loaded and loaded.can_run(clean):
        code, stdout, stderr = loaded.run(argv[argv.index("nimwrap") + 1 :], clean, stdin.encode(), timeout)
    else:
        done = subprocess.run(argv, env=clean, input=stdin.encode(), capture_output=True, timeout=timeout, check=False)
        code, stdout, stderr = done.returncode, done.stdout, done.stderr
    return Ran(code, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


def begin(home: Path, config: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*arguments, config=config),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  ignored in the background
    )
