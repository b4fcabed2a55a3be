"""Nights: from noon to noon by the clock of this machine, and what came of the runs that began in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.history.model import AttemptRow, RunRow
from nimwrap.history.ports import Queries

SHOWN = 182
"""Nights in the calendar: half a year."""
FEWEST = 35
_LOOK_BACK = 7
"""Nights among which the one that is shown is chosen: a backup by hand at noon is no night."""
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
    runs: tuple[RunRow, ...]
    attempts: Mapping[str, tuple[AttemptRow, ...]]


def noon(day: date) -> datetime:
    """Noon of a day by this machine's clock, with its offset."""
    return datetime.combine(day, time(12)).astimezone()


def evening_of(moment: datetime) -> date:
    """The day on whose evening the night of a moment begins."""
    local = moment.astimezone()
    return local.date() if local.hour >= 12 else local.date() - timedelta(days=1)


def nights_of(reader: Queries, evenings: Sequence[date]) -> list[Night]:
    """The nights that begin on these evenings."""
    spans = [(noon(evening), noon(evening + timedelta(days=1))) for evening in evenings]
    counted = zip(spans, reader.outcomes_in(spans), reader.missed_in(spans), strict=True)
    return [Night(*span, counts | ({"missed": missed} if missed else {})) for span, counts, missed in counted]


def nights(reader: Queries, now: datetime, since: datetime | None = None) -> list[Night]:
    """The nights from ``since`` on, oldest first, half a year at most.

    Without it as many as the history reaches back, and five weeks at least.
    """
    oldest = reader.first_start()
    last = evening_of(now)
    begins = since or (parse_rfc3339(oldest) if oldest else now)
    reach = (last - evening_of(begins)).days + 1
    count = max(1 if since else FEWEST, min(reach, SHOWN))
    return nights_of(reader, [last - timedelta(days=back) for back in range(count - 1, -1, -1)])


def last_night(reader: Queries) -> LastNight | None:
    """The newest night in which a schedule ran something, of the last week that anything ran in; where none did, the
    newest in which anything ran. None while nothing ever has."""
    newest = reader.last_start()
    if newest is None:
        return None
    last = evening_of(parse_rfc3339(newest))
    recent = nights_of(reader, [last - timedelta(days=back) for back in range(_LOOK_BACK)])
    for night in recent:
        whole = _whole(reader, night)
        if any(run.schedule for run in whole.runs):
            return whole
    return _whole(reader, recent[0])


def _whole(reader: Queries, night: Night) -> LastNight:
    """A night with its runs and attempts."""
    span = (night.begins, night.ends)
    attempts: dict[str, tuple[AttemptRow, ...]] = {}
    for attempt in reader.attempts_in(span, MOST_BARS):
        attempts[attempt.run] = (*attempts.get(attempt.run, ()), attempt)
    return LastNight(night, tuple(reader.runs_in(span, MOST_BARS)), attempts)
