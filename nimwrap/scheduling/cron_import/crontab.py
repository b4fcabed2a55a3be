"""A crontab line by line: settings, jobs, and what is neither."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SETTING = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$")
_TIMES = re.compile(r"\s*(@[A-Za-z]+|[0-9*][^\s]*(?:\s+[0-9A-Za-z*][^\s]*){4})\s+(\S.*)$")
_LOGIN = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_COMMANDS = re.compile(
    r"nim|lsnim|mksysb|savevg|smitt?y?|backupios|cd|test|k?sh|ksh93|bash|perl|python3?|ssh|su|sudo|nohup|nice|exec|time"
    r"|env|for|while|until|if|case|find|rm|mv|cp|echo|sleep|date|mailx?|ansible(-playbook)?|get_mksysb|mkmksysb"
)


class UnclearError(ValueError):
    """A line, or a part of it, that cannot be read without guessing; its text says why."""


@dataclass(frozen=True)
class CronJob:
    """One line that cron runs. ``times`` are its five fields or macro, ``command`` is what the shell gets."""

    line: int
    text: str
    times: str
    command: str
    user: str | None = None


@dataclass(frozen=True)
class Settings:
    """What ``NAME=value`` lines above a job have set; ``timezone`` is the job's own (``CRON_TZ``, else ``TZ``)."""

    values: dict[str, str]

    @property
    def timezone(self) -> str | None:
        return self.values.get("CRON_TZ") or self.values.get("TZ")


@dataclass(frozen=True)
class CronLine:
    """One line of the file: a job with the settings in force, or a fault. Comments and settings make no line."""

    number: int
    text: str
    settings: Settings
    job: CronJob | None = None
    why: str = ""


def read_crontab(text: str) -> tuple[list[CronLine], int]:
    """All jobs and unreadable lines in order, and the number of comments, settings and empty lines."""
    values: dict[str, str] = {}
    lines: list[CronLine] = []
    passive = 0
    for number, raw in enumerate(text.replace("\r\n", "\n").removesuffix("\n").split("\n"), 1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            passive += 1
        elif (setting := _SETTING.match(raw)) and not _TIMES.match(raw):
            values[setting[1]] = _unquoted(setting[2].rstrip())
            passive += 1
        else:
            lines.append(_line(number, raw, Settings(dict(values))))
    return lines, passive


def _line(number: int, raw: str, settings: Settings) -> CronLine:
    times = _TIMES.match(raw.rstrip())
    if times is None:
        return CronLine(number, raw, settings, why="it is neither a setting nor five time fields and a command")
    try:
        user, command = _user_and_command(times[2])
        return CronLine(
            number, raw, settings, CronJob(number, raw, " ".join(times[1].split()), _for_the_shell(command), user)
        )
    except UnclearError as error:
        return CronLine(number, raw, settings, why=str(error))


def _user_and_command(rest: str) -> tuple[str | None, str]:
    """Apart again what ``/etc/crontab`` writes between times and command; a user's own crontab has no such column."""
    first, *others = rest.split(maxsplit=1)
    command = others[0] if others else ""
    if not _LOGIN.fullmatch(first) or _COMMANDS.fullmatch(first) or not command:
        return None, rest
    if first == "root":
        return first, command
    second = command.split()[0]
    if second.startswith("/") or _COMMANDS.fullmatch(second):
        raise UnclearError(f"{first!r} may be a user, as in /etc/crontab, or the command itself")
    return None, rest


def _for_the_shell(command: str) -> str:
    """cron ends the command at a bare ``%`` and feeds the rest to its input; ``\\%`` is a percent sign."""
    if re.search(r"(?<!\\)%", command):
        raise UnclearError("a % without a backslash ends the command for cron, so it does not run what stands here")
    return command.replace("\\%", "%")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
