"""What is remembered of how many images at once each master carries, by weekday and hour, and what it wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.knee import KNEES, Knee
from nimwrap.domain.parallelism import Remembered
from nimwrap.history.sqlite import statements

if TYPE_CHECKING:
    from nimwrap.history.sqlite.connection import ReadOnly
    from nimwrap.history.sqlite.store import Store


@dataclass(frozen=True)
class WriteRate:
    """What a master wrote from ``at`` on for ``seconds``, on average. ``knee``: what was believed of it then.

    ``one_more`` and ``one_fewer``: the total to be expected with one image more or fewer at once, beside that of
    ``wanted`` as 1.
    """

    at: datetime
    seconds: float
    writers: float
    rate_bytes_s: float
    cap: int
    wanted: int
    knee: float
    one_more: float
    one_fewer: float

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> WriteRate:
        return cls(parse_rfc3339(values[0]), *values[1:])


@dataclass(frozen=True)
class Hour:
    """One hour of a weekday in UTC, Monday 0, and what is remembered of it."""

    weekday: int
    hour: int
    memory: Remembered
    rate_bytes_s: float

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> Hour:
        """The belief as stored; one of other knees than today's is taken over by those that are the same."""
        weekday, hour, text, quiet, windows, rate = values
        stored = json.loads(text)
        chances = [float(stored.get(str(knee), 0.0)) for knee in KNEES]
        total = sum(chances) or 1.0
        knee = Knee(tuple(chance / total for chance in chances))
        return cls(weekday, hour, Remembered(knee, quiet, windows), rate)


def remember(store: Store, master: str, hours: Sequence[Hour], rates: Sequence[WriteRate], now: datetime) -> None:
    """Keep what was learned, in one write. StoreUnavailable when it cannot be kept now."""
    with store.writing("remember", hurried=True) as database:
        for one in hours:
            chances = {str(knee): chance for knee, chance in zip(KNEES, one.memory.knee.chances, strict=True)}
            database.conn.execute(
                "insert or replace into knees (master, weekday, hour, chances, quiet, windows, rate_bytes_s, updated)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    master,
                    one.weekday,
                    one.hour,
                    json.dumps({knee: round(chance, 9) for knee, chance in chances.items()}),
                    one.memory.quiet,
                    one.memory.windows,
                    one.rate_bytes_s,
                    rfc3339(now),
                ),
            )
        for rate in rates:
            statements.insert(database, "write_rates", {"master": master, **vars(rate)})


def hours_of(reader: ReadOnly, master: str) -> list[Hour]:
    """Every hour that something is remembered of, the newest first."""
    sql = (
        "select weekday, hour, chances, quiet, windows, rate_bytes_s from knees where master = ? order by updated desc"
    )
    return reader.records(Hour.from_row, sql, (master,))


def rates_of(reader: ReadOnly, master: str, since: datetime, until: datetime) -> list[WriteRate]:
    """What a master wrote between two moments, the oldest first."""
    sql = (
        "select at, seconds, writers, rate_bytes_s, cap, wanted, knee, one_more, one_fewer from write_rates"
        " where master = ? and at >= ? and at <= ? order by at, id"
    )
    return reader.records(WriteRate.from_row, sql, (master, rfc3339(since), rfc3339(until)))
