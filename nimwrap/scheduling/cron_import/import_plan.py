"""From the lines of a crontab to schedules and settings, with every line accounted for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from nimwrap.domain.time_zones import time_zone
from nimwrap.scheduling.cron_import.cron_commands import read_command
from nimwrap.scheduling.cron_import.crontab import CronLine, Settings, UnclearError, read_crontab
from nimwrap.scheduling.cron_import.definition import Backup
from nimwrap.scheduling.cron_import.other_hands import OtherHand, image_places, other_hands
from nimwrap.scheduling.cron_import.vocabulary import mentions_backup
from nimwrap.scheduling.wallclock import cron_fields

SETTINGS = ("directory", "layout", "naming", "mksysb_flags")
UNSET_ZONE = "SET-ME"
"""No zone of this name exists, so that a schedule cannot run before somebody has said whose wall clock it follows."""

_CRONS_OWN = re.compile(r"(?:\*|[0-9A-Za-z]+-[0-9A-Za-z]+)(?:/\d+)?|\d+|[A-Za-z]{3}")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


Policy = tuple[int, dict[str, str]]
"""The first line that spoke of a client, and what all have said of its images so far."""


@dataclass(frozen=True)
class Understood:
    """A line whose backups are all in the plan."""

    line: CronLine
    schedule: str
    backups: tuple[Backup, ...]

    @property
    def notes(self) -> list[str]:
        return list(dict.fromkeys(note for backup in self.backups for note in backup.notes))


@dataclass(frozen=True)
class NotUnderstood:
    """A line that has to do with system images and is not in the plan; ``why`` is for a person."""

    line: CronLine
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
    unrelated: list[CronLine] = field(default_factory=list)
    passive: int = 0
    schedules: list[PlannedSchedule] = field(default_factory=list)
    hands: list[OtherHand] = field(default_factory=list)
    """Lines that delete or carry away images, understood or not."""
    common: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What is known besides the crontab. ``clients``: names of clients; ``directories``: where images lie.

    ``said``: the clients that the user named; alone, it is the one whose crontab this is.
    """

    said: tuple[str, ...] = ()
    clients: frozenset[str] = frozenset()
    directories: frozenset[str] = frozenset()


def plan_import(text: str, *, timezone: str | None = None, known: Known | None = None) -> Plan:
    """Read a crontab. ``timezone`` holds where the crontab sets none."""
    known = known or Known()
    lines, passive = read_crontab(text)
    plan = Plan(passive=passive)
    said: dict[str, Policy] = {}
    for line in lines:
        try:
            backups = _backups(line, known)
            if backups is None:
                plan.unrelated.append(line)
                continue
            fields = _cron_fields(line.job.times if line.job else "")
            _agree(said, line, backups)
        except ValueError as error:
            plan.not_understood.append(NotUnderstood(line, str(error)))
            continue
        zone, notes = _zone(line.settings, timezone)
        schedule = _schedule(plan, line, fields, zone)
        schedule.targets = list(dict.fromkeys([*schedule.targets, *(one.client for one in backups)]))
        schedule.lines.append(line.number)
        plan.understood.append(Understood(line, schedule.name, tuple(one.noting(notes) for one in backups)))
    _settle(plan, {name: settings for name, (_, settings) in said.items()})
    plan.hands += other_hands(lines, image_places(lines, known.directories))
    return plan


def _backups(line: CronLine, known: Known) -> list[Backup] | None:
    """The backups of a line; None when it has nothing to do with them."""
    if not mentions_backup(line.job.command if line.job else line.text):
        return None
    if line.job is None:
        raise UnclearError(line.why)
    whose = known.said[0] if len(known.said) == 1 else None
    return read_command(line.job.command, line.settings.values, whose, known.clients | frozenset(known.said))


def _cron_fields(times: str) -> str:
    """The five fields; ValueError also for what cronsim takes and no cron does, since such a line never ran."""
    fields = cron_fields(times)
    for part in re.split(r"[\s,]+", fields):
        if not _CRONS_OWN.fullmatch(part):
            raise UnclearError(f"{times!r}: cron itself does not know {part!r}, so it never ran this line")
    return fields


def _schedule(plan: Plan, line: CronLine, fields: str, zone: str) -> PlannedSchedule:
    """The schedule for the line's times, shared by all lines with the same ones."""
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


def _zone(settings: Settings, timezone: str | None) -> tuple[str, list[str]]:
    """The zone that the crontab sets, when it is an IANA name, and what is to be said about it.

    A POSIX rule such as AEST-10 names no place. ``CRON_TZ`` moves cron's own clock; ``TZ`` does so only with some.
    """
    name = settings.timezone
    if name is None:
        return timezone or UNSET_ZONE, []
    try:
        zone = time_zone(name.removeprefix(":")).key
    except ValueError:
        instead = f"--timezone {timezone} is used" if timezone else "write one into the file"
        return timezone or UNSET_ZONE, [f"{name} is no IANA name of a time zone: {instead}"]
    doubt = f"TZ={name} is taken for the clock of its times; some crons go by the machine's own: compare"
    return zone, [] if "CRON_TZ" in settings.values else [doubt]


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


def _agree(said: dict[str, Policy], line: CronLine, backups: Sequence[Backup]) -> None:
    """nimwrap keeps one policy a client: whatever asks for a second one, even for one of many, is not understood."""
    after = dict(said)
    globs = [name for name in dict.fromkeys([*said, *(backup.client for backup in backups)]) if _is_glob(name)]
    for backup in backups:
        client, settings = backup.client, settings_of(backup)
        others = after if client in globs else globs
        for name in [client, *(name for name in others if fnmatchcase(client, name) or fnmatchcase(name, client))]:
            number, known = after.get(name, (line.number, {}))
            for key, value in settings.items():
                if known.get(key, value) != value:
                    what = f"{key} = {value!r} for {client}, and line {number} for {known[key]!r} for {name}"
                    raise UnclearError(f"it asks for {what}; nimwrap keeps one policy a client")
        number, known = after.get(client, (line.number, {}))
        after[client] = (number, known | settings)
    said |= after


def _settle(plan: Plan, said: Mapping[str, dict[str, str]]) -> None:
    """What most clients share goes to ``[backup]``, the rest to the clients; what ``*`` asks for is everybody's."""
    everybody = {name: settings for name, settings in said.items() if _is_glob(name)}
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


def _is_glob(name: str) -> bool:
    return not set(name).isdisjoint("*?[")


def _clients(backups: Iterable[Backup]) -> set[str]:
    return {backup.client for backup in backups}
