"""Schedule files: either every schedule, or every fault with its file and line (INTERFACE section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from nimwrap.config.keys import LABEL, TIME_ZONE, Key, Table
from nimwrap.config.lines import KeyPath
from nimwrap.config.model import Config
from nimwrap.config.rules import member_fault
from nimwrap.config.toml_file import CODE, Fault, config_error, is_absent, read_toml
from nimwrap.config.value_types import Choice, Duration, Readable, Report, Several, named, nearest, shown
from nimwrap.domain.errors import NimwrapError, Problem
from nimwrap.scheduling.model import DEFAULT_TIMEZONE, LATEST, SLOT, Schedule
from nimwrap.scheduling.wallclock import cron_fields


@dataclass(frozen=True)
class Target:
    """A client, ``master/client``, a glob or ``group:NAME``; the file's own checker knows groups and masters."""

    def read(self, value: object, report: Report) -> str:
        if not isinstance(value, str):
            report(f"must be a target in quotes, not {named(value)}")
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


_CRON = Readable("a cron expression in quotes", cron_fields)
KEYS = Table(
    "",
    "One schedule",
    Schedule,
    (
        Key(
            "cron",
            Readable("a cron expression in quotes", cron_fields),
            "when it is due, on the wall clock of its time zone",
        ),
        Key("timezone", TIME_ZONE, "whose wall clock"),
        Key("targets", Several(Target(), empty=False), "whom to back up"),
        Key("window", Duration(), "nothing starts later than this after the slot really began"),
        Key("jitter", Duration(zero=True), "each client starts at its own, always equal, share of this"),
        Key("begin", Choice((SLOT, LATEST)), "when it is due, or as late as history says its window allows"),
        Key("catch_up", Duration(zero=True), "a slot missed while down begins late if it is not older than this"),
    ),
)
_NAMES = tuple(key.name for key in KEYS.keys)


def load_schedules(config: Config) -> dict[str, Schedule]:
    """All schedules of the directory ``config.schedules`` by name; none when the directory does not exist.

    Raises NimwrapError (``config_invalid``, exit 78) with every fault of every file.
    """
    schedules: dict[str, Schedule] = {}
    problems: list[Problem] = []
    for path in schedule_files(config.schedules):
        try:
            found = _File(path, config)
        except NimwrapError as error:
            problems += error.problems
            continue
        problems += found.problems()
        for schedule in found.schedules:
            twin = schedules.setdefault(schedule.name, schedule)
            if twin is not schedule:
                fault = Fault((schedule.name,), f"{schedule.name} stands in {twin.file} already")
                problems += found.file.problems([fault])
    if problems:
        raise config_error(problems)
    return schedules


def schedule_files(directory: Path) -> list[Path]:
    """The files of the directory that hold schedules, in order; sub-directories and hidden files are not looked into.

    A link that leads nowhere counts, so that reading it says so. NimwrapError for a directory that cannot be read: no
    schedule is something else than schedules that nobody can see.
    """
    try:
        if is_absent(directory):
            return []
        paths = sorted(path for path in directory.iterdir() if fnmatch(path.name, "[!.]*.toml"))
        return [path for path in paths if path.is_file() or (path.is_symlink() and not path.exists())]
    except OSError as error:
        hint = "`schedules` names the directory of the schedule files, which this user must be able to read"
        raise config_error([Problem(CODE, f"{directory}: {error.strerror}", hint)]) from error


class _File:
    """One file, read and checked. Raises NimwrapError when it is no TOML at all."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path, self.config = path, config
        self.file = read_toml(path)
        self.faults: list[Fault] = []
        read = [self._schedule(name, body) for name, body in self.file.document.items()]
        self.schedules = [schedule for schedule in read if schedule is not None]

    def problems(self) -> list[Problem]:
        """Every fault with its line, in the order of the lines."""
        return self.file.problems(self.faults)

    def _schedule(self, name: str, body: object) -> Schedule | None:
        before = len(self.faults)
        if not LABEL.accepts(name):
            self.faults.append(Fault((name,), f"{shown(name)} cannot name a schedule: it must be {LABEL.what}"))
        if not isinstance(body, dict):
            hint = "write [NAME] above the keys of a schedule" if name in _NAMES else ""
            self.faults.append(Fault((name,), f"{name}: a schedule must be a table, not {named(body)}", hint))
            return None
        for key in body:
            if key not in _NAMES:
                hint = nearest(key, _NAMES) or f"known here: {', '.join(_NAMES)}"
                self.faults.append(Fault((name, key), f"unknown key {shown(key)} in [{name}]", hint))
        for key in ("cron", "targets"):
            if key not in body:
                self.faults.append(Fault((name,), f"[{name}] has no {key}"))
        if body.get("begin") == LATEST and "window" not in body:
            fault = 'begin = "latest" needs a window to end in'
            self.faults.append(Fault((name, "begin"), fault, 'add window = "6h", say'))
        values = {key.name: self._value(key, name, body[key.name]) for key in KEYS.keys if key.name in body}
        self.faults += self._target_faults(name, values.get("targets", ()))
        if len(self.faults) > before:
            return None
        return Schedule(name=name, file=self.path, **{"timezone": DEFAULT_TIMEZONE, **values})

    def _value(self, key: Key, schedule: str, value: object) -> Any:
        def report(message: str, hint: str = "", at: KeyPath = ()) -> None:
            self.faults.append(Fault((schedule, key.name, *at), f"{key.name}: {message}", hint))

        return key.kind.read(value, report)

    def _target_faults(self, name: str, targets: tuple[str, ...]) -> Iterator[Fault]:
        for index, target in enumerate(targets):
            fault = member_fault(target, self.config.groups, tuple(self.config.masters))
            if fault:
                yield Fault((name, "targets", index), f"targets: {fault[0]}", fault[1])
