"""Days and hours in which nothing of a schedule begins: pure rules over the wall clock of one zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from nimwrap.domain.time_zones import time_zone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = ("00:00", "24:00")
LONGEST = 400
"""So many days are looked ahead for the end of one that goes on from day to day."""

_OF_MONTH = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")
_LAST = re.compile(r"last(?: (\d{1,2}))?")
_DATES = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")
_HOUR = re.compile(r"(\d\d):(\d\d)")


def falls_on(days: str, day: date) -> bool:
    """Whether ``days`` means this day; ValueError for what means no day.

    ``28`` and ``28-31``: of each month; ``last`` and ``last 3``: the last ones of each month; ``sat`` and ``fri-mon``:
    of each week; ``2026-12-24`` and ``2026-12-24..2027-01-01``: these alone.
    """
    if found := _OF_MONTH.fullmatch(days):
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= 31:
            raise ValueError("the days of a month are 1 to 31, the earlier one first")
        return first <= day.day <= last
    if found := _LAST.fullmatch(days):
        if not 1 <= (number := int(found[1] or 1)) <= 31:
            raise ValueError("of a month at most the last 31 days")
        return (day + timedelta(days=number)).month != day.month
    if found := _DATES.fullmatch(days):
        begins, ends = date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
        if ends < begins:
            raise ValueError("the earlier day comes first")
        return begins <= day <= ends
    names = days.split("-")
    if len(names) > 2 or not set(names) <= set(WEEKDAYS):
        raise ValueError("write 28, 28-31, last, last 3, sat, fri-mon, 2026-12-24 or 2026-12-24..2027-01-01")
    first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
    return (day.weekday() - first) % 7 <= (last - first) % 7


def hour_of_day(text: str) -> timedelta:
    """``18:30`` as the time since midnight, up to ``24:00``; ValueError for anything else."""
    found = _HOUR.fullmatch(text)
    hour = timedelta(hours=int(found[1]), minutes=int(found[2])) if found and int(found[2]) < 60 else None
    if hour is None or hour > timedelta(days=1):
        raise ValueError("write 18:30, from 00:00 to 24:00")
    return hour


@dataclass(frozen=True)
class BlackHours:
    """On each of ``days`` (every day without any) from ``begins`` to ``ends``, of the next day where that is not later.

    All of them are valid: the configuration has seen to it.
    """

    days: Sequence[str]
    begins: str
    ends: str
    timezone: str

    def until(self, moment: datetime) -> datetime | None:
        """When those hours end that ``moment`` is in, or those that follow at once; None outside of them.

        What has no end within LONGEST days is told to last as long.
        """
        ends = self._covering(moment)
        for _ in range(LONGEST):
            later = self._covering(ends) if ends is not None else None
            if later is None:
                break
            ends = later
        return ends

    def _covering(self, moment: datetime) -> datetime | None:
        today = moment.astimezone(time_zone(self.timezone)).date()
        spans = [self._hours_of(day) for day in (today - timedelta(days=1), today) if self._means(day)]
        return max((ends for begins, ends in spans if begins <= moment < ends), default=None)

    def _means(self, day: date) -> bool:
        return not self.days or any(falls_on(each, day) for each in self.days)

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        begins, ends = hour_of_day(self.begins), hour_of_day(self.ends)
        if ends <= begins:
            ends += timedelta(days=1)
        return self._instant(day, begins), self._instant(day, ends)

    def _instant(self, day: date, since_midnight: timedelta) -> datetime:
        wall = datetime.combine(day, time()) + since_midnight
        return wall.replace(tzinfo=time_zone(self.timezone)).astimezone(UTC)
