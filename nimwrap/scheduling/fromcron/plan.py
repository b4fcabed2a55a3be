"""From the lines of a crontab to schedules and settings, with every line accounted for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nimwrap.scheduling.fromcron.commands import mentions_backup, read_command
from nimwrap.scheduling.fromcron.crontab import Line, Settings, UnclearError, read_crontab
from nimwrap.scheduling.fromcron.definition import Backup
from nimwrap.scheduling.wallclock import cron_fields, time_zone

SETTINGS = ("directory", "layout", "naming", "mksysb_flags")
UNSET_ZONE = "SET-ME"
"""No zone of this name exists, so that a schedule cannot run before somebody has said whose wall clock it follows."""

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Understood:
    """A line whose backups are all in the plan."""

    line: Line
    schedule: str
    backups: tuple[Backup, ...]

    @property
    def notes(self) -> list[str]:
        return list(dict.fromkeys(note for backup in self.backups for note in backup.notes))


@dataclass(frozen=True)
class NotUnderstood:
    """A line that has to do with system images and is not in the plan; ``why`` is for a person."""

    line: Line
    why: str


@dataclass
class PlannedSchedule:
    name: str
    cron: str
    timezone: str
    targets: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass
class Plan:
    """What a crontab comes to. ``common`` are settings for ``[backup]``, ``own`` those of single clients."""

    understood: list[Understood] = field(default_factory=list)
    not_understood: list[NotUnderstood] = field(default_factory=list)
    unrelated: list[Line] = field(default_factory=list)
    passive: int = 0
    schedules: list[PlannedSchedule] = field(default_factory=list)
    common: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)


def plan_import(text: str, *, timezone: str | None = None, client: str | None = None) -> Plan:
    """Read a crontab. ``timezone`` holds where the crontab sets none; ``client``: whose crontab it is."""
    lines, passive = read_crontab(text)
    plan = Plan(passive=passive)
    said: dict[str, tuple[int, dict[str, str]]] = {}
    for line in lines:
        try:
            backups = _backups(line, client)
            if backups is None:
                plan.unrelated.append(line)
                continue
            fields = cron_fields(line.job.times if line.job else "")
            _agree(said, line, backups)
        except ValueError as error:
            plan.not_understood.append(NotUnderstood(line, str(error)))
            continue
        schedule = _schedule(plan, line, fields, timezone)
        schedule.targets += [one.client for one in backups if one.client not in schedule.targets]
        schedule.lines.append(line.number)
        plan.understood.append(Understood(line, schedule.name, tuple(backups)))
    _settle(plan, {name: settings for name, (_, settings) in said.items()})
    return plan


def _backups(line: Line, client: str | None) -> list[Backup] | None:
    """The backups of a line; None when it has nothing to do with them."""
    if not mentions_backup(line.job.command if line.job else line.text):
        return None
    if line.job is None:
        raise UnclearError(line.why)
    return read_command(line.job.command, line.settings.values, client)


def _schedule(plan: Plan, line: Line, fields: str, timezone: str | None) -> PlannedSchedule:
    """The schedule for the line's times, shared by all lines with the same ones."""
    zone = _zone(line.settings, timezone)
    for schedule in plan.schedules:
        if (cron_fields(schedule.cron), schedule.timezone) == (fields, zone):
            return schedule
    name, number = _name(fields) or f"line-{line.number}", 1
    while any(schedule.name == (name if number == 1 else f"{name}-{number}") for schedule in plan.schedules):
        number += 1
    times = line.job.times if line.job else fields
    found = PlannedSchedule(name if number == 1 else f"{name}-{number}", times, zone)
    plan.schedules.append(found)
    return found


def _zone(settings: Settings, timezone: str | None) -> str:
    """The zone that the crontab sets, when it is an IANA name; a POSIX rule such as AEST-10 names no place."""
    name = settings.timezone
    if name is not None:
        try:
            return time_zone(name.removeprefix(":")).key
        except ValueError:
            pass
    return timezone or UNSET_ZONE


def _name(fields: str) -> str | None:
    """``sun-0100``, ``daily-2330``, ``day1-0400``; None for times that no short name fits."""
    minute, hour, day, month, weekday = fields.split()
    if not (minute.isdigit() and hour.isdigit() and month == "*"):
        return None
    at = f"{int(hour):02d}{int(minute):02d}"
    if (day, weekday) == ("*", "*"):
        return f"daily-{at}"
    if day == "*" and re.fullmatch(r"[0-7]|[a-z]{3}", weekday.lower()):
        return f"{_DAYS[int(weekday)] if weekday.isdigit() else weekday.lower()}-{at}"
    return f"day{day}-{at}" if weekday == "*" and day.isdigit() else None


def settings_of(backup: Backup) -> dict[str, str]:
    """What the line says about how the image is made, under the names of the configuration."""
    values = (backup.directory, backup.layout, backup.naming, backup.flags)
    return {key: value for key, value in zip(SETTINGS, values, strict=True) if value is not None}


def _agree(said: dict[str, tuple[int, dict[str, str]]], line: Line, backups: Sequence[Backup]) -> None:
    """nimwrap keeps one policy a client: a second line that asks for another is not understood."""
    for backup in backups:
        number, known = said.get(backup.client, (line.number, {}))
        for key, value in settings_of(backup).items():
            if known.get(key, value) != value:
                what = f"{key} = {value!r} for {backup.client}, and line {number} asks for {known[key]!r}"
                raise UnclearError(f"it asks for {what}; nimwrap keeps one policy a client")
    for backup in backups:
        number, known = said.get(backup.client, (line.number, {}))
        said[backup.client] = (number, known | settings_of(backup))


def _settle(plan: Plan, said: Mapping[str, dict[str, str]]) -> None:
    """What most clients share goes to ``[backup]``, the rest to the clients; what ``*`` asks for is everybody's."""
    everybody = {name: settings for name, settings in said.items() if set(name) & set("*?[")}
    for key in SETTINGS:
        ground = everybody or said
        values = Counter(settings[key] for settings in ground.values() if key in settings)
        if values:
            plan.common[key] = values.most_common(1)[0][0]
    for name, settings in said.items():
        own = {key: value for key, value in settings.items() if plan.common.get(key) != value}
        if own and name not in everybody:
            plan.own[name] = own
        elif own:
            _undo(plan, name, own)


def _undo(plan: Plan, pattern: str, own: Mapping[str, str]) -> None:
    """A glob cannot have settings of its own in the configuration: its lines are not understood after all."""
    what = ", ".join(f"{key} = {value!r}" for key, value in own.items())
    why = f"settings can be given to single clients or to all, and {pattern} is neither: {what}"
    for each in [each for each in plan.understood if pattern in _clients(each.backups)]:
        plan.understood.remove(each)
        plan.not_understood.append(NotUnderstood(each.line, why))
        schedule = next(schedule for schedule in plan.schedules if schedule.name == each.schedule)
        schedule.lines.remove(each.line.number)
        others = [other for other in plan.understood if other.schedule == each.schedule]
        left = {name for other in others for name in _clients(other.backups)}
        schedule.targets = [target for target in schedule.targets if target in left]
        if not schedule.lines:
            plan.schedules.remove(schedule)


def _clients(backups: Iterable[Backup]) -> set[str]:
    return {backup.client for backup in backups}
