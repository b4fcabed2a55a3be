"""Messages on stderr: plain text for people, JSON lines with ``--log-format json``, priorities under systemd."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from nimwrap.cli.output.streams import clean, colour_allowed, err
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import Problem

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))  # sd-daemon(3): <N> before each line
_NOISY = ("paramiko", "invoke", "fabric", "apscheduler", "tzlocal", "urllib3")


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass
class Log:
    """Where every message of one invocation goes. ``threshold`` is a level of ``logging``."""

    format: LogFormat = LogFormat.TEXT
    threshold: int = logging.INFO
    colour: bool = True

    def write(self, level: int, message: str, **fields: Any) -> None:
        """One message; ``fields`` appear in JSON lines only."""
        if level < self.threshold:
            return
        if self.format is LogFormat.JSON:
            err(_json_line(level, message, fields))
        elif under_journal():
            err("".join(f"<{_priority(level)}>{line}\n" for line in clean(message).splitlines() or [""]))
        else:
            err(clean(message) + "\n")

    def problem(self, kind: str, problem: Problem) -> None:
        """``error:`` or ``warning:``, then ``hint:``: how to mend it comes last."""
        level = logging.ERROR if kind == "error" else logging.WARNING
        if self.format is LogFormat.JSON:
            self.write(level, problem.message, code=problem.code, hint=problem.hint, client=problem.client)
            return
        named = problem.client and problem.client not in problem.message
        self._labelled(level, kind, f"{problem.client}: {problem.message}" if named else problem.message)
        if problem.hint:
            self._labelled(level, "hint", problem.hint)

    def _labelled(self, level: int, label: str, text: str) -> None:
        if not self.colour or under_journal() or not colour_allowed(sys.stderr, os.environ):
            self.write(level, f"{label}: {text}")
        elif level >= self.threshold:
            code = {"error": 31, "warning": 33}.get(label, 36)
            err(f"\x1b[{code}m{label}:\x1b[0m {clean(text)}\n")


class _Bridge(logging.Handler):
    """Hands what libraries and our own rooms log to the one Log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and self._log.threshold <= logging.DEBUG:
            message = f"{message}\n{logging.Formatter().formatException(record.exc_info)}"
        self._log.write(record.levelno, message, logger=record.name)


def install(log: Log) -> None:
    """Make ``log`` the end of all logging; libraries are heard only with ``-v``, as their faults are exceptions."""
    root = logging.getLogger()
    root.handlers = [_Bridge(log)]
    root.setLevel(log.threshold)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING if log.threshold <= logging.DEBUG else logging.CRITICAL + 1)


def under_journal() -> bool:
    """True when stderr goes to the systemd journal, which takes ``<N>`` in front of a line as its priority."""
    return bool(os.environ.get("JOURNAL_STREAM")) and not (sys.stderr is not None and sys.stderr.isatty())


def _priority(level: int) -> int:
    return next((priority for floor, priority in _PRIORITIES if level >= floor), 7)


def _json_line(level: int, message: str, fields: dict[str, Any]) -> str:
    import json

    line = {"time": rfc3339(datetime.now(UTC)), "level": logging.getLevelName(level).lower(), "message": message}
    line |= {key: value for key, value in fields.items() if value}
    return json.dumps(line, default=str) + "\n"
