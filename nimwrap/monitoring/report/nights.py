"""Nights: from noon to noon by the clock of this machine, and what came of the runs that began in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.history.sqlite.queries import Reader

Row = dict[str, Any]
SHOWN = 182
"""Nights in the calendar: half a year."""
FEWEST = 35
MOST_BARS = 3000
"""Runs of one night that the timeline draws."""


@dataclass(frozen=True)
class Night:
    """``counts``: runs by outcome, and ``missed`` slots that no run came of."""

    begins: datetime
    ends: datetime
    counts: Mapping[str, int]

    @property
    def evening(self) -> date:
        return self.begins.date()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class LastNight:
    """The runs of a night in the order they began, and their image-making operations."""

    night: Night
    runs: tuple[Row, ...]
    attempts: Mapping[str, tuple[Row, ...]]


def noon(day: date) -> datetime:
    """Noon of a day by this machine's clock, with its offset."""
    return datetime.combine(day, time(12)).astimezone()


def evening_of(moment: datetime) -> date:
    """The day on whose evening the night of a moment begins."""
    local = moment.astimezone()
    return local.date() if local.hour >= 12 else local.date() - timedelta(days=1)


def night_of(reader: Reader, evening: date) -> Night:
    """The night that begins on that evening."""
    begins, ends = noon(evening), noon(evening + timedelta(days=1))
    between = (rfc3339(begins), rfc3339(ends))
    sql = "select outcome, count(*) as number from runs where started >= ? and started < ? group by outcome"
    counts = {row["outcome"]: row["number"] for row in reader.rows(sql, between)}
    sql = "select count(*) as number from slots where state = 'missed' and slot >= ? and slot < ? and client <> ''"
    missed = reader.rows(sql, between)[0]["number"]
    return Night(begins, ends, counts | ({"missed": missed} if missed else {}))


def nights(reader: Reader, now: datetime) -> list[Night]:
    """The last nights, oldest first: as many as the history reaches back, five weeks at least, half a year at most."""
    oldest = reader.row("select started from runs order by started limit 1")
    last = evening_of(now)
    reach = (last - evening_of(parse_rfc3339(oldest["started"]))).days + 1 if oldest else 0
    count = max(FEWEST, min(reach, SHOWN))
    return [night_of(reader, last - timedelta(days=back)) for back in range(count - 1, -1, -1)]


def last_night(reader: Reader) -> LastNight | None:
    """The newest night in which anything ran; None while nothing ever has."""
    newest = reader.row("select started from runs where outcome <> 'skipped' order by started desc limit 1")
    if newest is None:
        return None
    night = night_of(reader, evening_of(parse_rfc3339(newest["started"])))
    sql = (
        "select id, master, client, outcome, started, ended, failure_code, failure_message, remedy from runs"
        " where started >= ? and started < ? and outcome <> 'skipped' order by started limit ?"
    )
    runs = reader.rows(sql, (rfc3339(night.begins), rfc3339(night.ends), MOST_BARS))
    attempts: dict[str, tuple[Row, ...]] = {}
    for attempt in reader.attempts([run["id"] for run in runs]):
        attempts[attempt["run"]] = (*attempts.get(attempt["run"], ()), attempt)
    return LastNight(night, tuple(runs), attempts)
