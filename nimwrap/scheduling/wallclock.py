"""Cron expressions on the wall clock of one place, as instants in UTC.

A slot is a time on the wall clock. One that falls into the gap of a time change comes right after the gap; one that
the clock shows twice comes once, at its first pass; two that fall onto one instant are one. cronsim is given naive
times, so that this holds for every expression (reference libraries section 3: APScheduler's CronTrigger loses and
doubles slots here, and cronsim by itself treats ``*/30 2 * * *`` otherwise than ``30 2 * * *``).
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from nimwrap.domain.time_zones import time_zone

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LONGEST_FOLD = timedelta(hours=3)  # no zone in use repeats more than this of its wall clock


@dataclass(frozen=True)
class WallClock:
    """A five-field cron expression in a time zone; make it with :func:`wall_clock`, which checks both."""

    fields: str
    zone: zoneinfo.ZoneInfo

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every slot later than ``moment``, in order; it ends only where cronsim finds none for 50 years."""
        last = moment.astimezone(UTC)
        for wall in CronSim(self.fields, last.astimezone(self.zone).replace(tzinfo=None)):
            instant = _instant(wall, self.zone)
            if instant > last:
                last = instant
                yield instant

    def latest(self, moment: datetime) -> datetime | None:
        """The newest slot not later than ``moment``; None when there was none for 50 years."""
        wall_now = moment.astimezone(self.zone).replace(tzinfo=None)
        for wall in CronSim(self.fields, wall_now + _LONGEST_FOLD, reverse=True):
            instant = _instant(wall, self.zone)
            if instant <= moment:
                return instant
        return None


def wall_clock(cron: str, timezone: str) -> WallClock:
    """The expression in its zone; ValueError says which of the two is wrong and why."""
    return WallClock(cron_fields(cron), time_zone(timezone))


def cron_fields(cron: str) -> str:
    """The five fields of ``cron``, macros such as ``@daily`` replaced; ValueError for anything cron would not take."""
    text = cron.strip()
    if text.startswith("@"):
        if text.lower() not in MACROS:
            raise ValueError(f"{text} is not a cron macro; known are {', '.join(MACROS)}")
        return MACROS[text.lower()]
    if len(text.split()) != 5:
        raise ValueError(f"{cron!r} has {len(text.split())} fields; cron wants minute hour day month weekday")
    try:
        if next(CronSim(text, datetime(2024, 1, 1)), None) is None:  # noqa: DTZ001, RUF100  wall clock
            raise ValueError(f"{cron!r} never comes")
    except CronSimError as error:
        raise ValueError(f"{cron!r}: {str(error).lower()}") from error
    return text


def _instant(wall: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """The first instant at which the clock shows ``wall``, or the first after the gap that swallows it."""
    while True:
        instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
        wall += timedelta(minutes=1)
