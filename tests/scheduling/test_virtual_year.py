"""A virtual year in six time zones, with crashes, downtime and clocks set wrong: every slot once, or missed and why."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.records import ClientRef, Run
from nimwrap.history.model import SlotRow
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store
from nimwrap.scheduling.claims import Batch, SlotClaimer
from nimwrap.scheduling.model import Schedule
from tests.scheduling.oracle import slots


@dataclass(frozen=True)
class Period:
    """When the virtual nimwrap runs."""

    start: datetime
    end: datetime


YEAR = Period(datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC))
SPRING = Period(datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 12, tzinfo=UTC))
"""Each of the zones sets its clock forward or back in it."""
periods = pytest.mark.parametrize(
    "period", [SPRING, pytest.param(YEAR, marks=pytest.mark.slow)], ids=["spring", "year"]
)
HOUR = 3600
CLIENTS = (ClientRef("nim", "powerha1"), ClientRef("nim", "aix01"))
WANTED = {
    "30 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 30),
    "0 0 * * *": lambda wall: (wall.hour, wall.minute) == (0, 0),
    "15 1 * * sun": lambda wall: (wall.hour, wall.minute, wall.weekday()) == (1, 15, 6),
    "30 2,14 * * *": lambda wall: wall.hour in (2, 14) and wall.minute == 30,
}
SCHEDULES = {
    schedule.name: schedule
    for schedule in (
        Schedule("berlin", "30 2 * * *", "Europe/Berlin", ("*",), window=6 * HOUR, catch_up=3 * HOUR),
        Schedule("new-york", "30 2,14 * * *", "America/New_York", ("*",), catch_up=12 * HOUR),
        Schedule("melbourne", "30 2 * * *", "Australia/Melbourne", ("*",), window=HOUR, jitter=600),
        Schedule("lord-howe", "15 1 * * sun", "Australia/Lord_Howe", ("*",), catch_up=48 * HOUR),
        Schedule("cairo", "0 0 * * *", "Africa/Cairo", ("*",), jitter=1800, catch_up=2 * HOUR),
        Schedule("tokyo", "0 0 * * *", "Asia/Tokyo", ("*",), catch_up=0),
    )
}


@dataclass
class Site:
    """One nimwrap after another on the same history, with a clock that may be wrong."""

    path: Path
    dice: random.Random
    true_now: datetime
    error: timedelta = timedelta()
    ran: Counter[tuple[str, datetime, ClientRef]] = field(default_factory=Counter)
    lateness: dict[tuple[str, datetime], float] = field(default_factory=dict)
    _store: Store | None = None
    _reader: Reader | None = None

    @property
    def now(self) -> datetime:
        return self.true_now + self.error

    def engine(self) -> SlotClaimer:
        if self._store is None:
            self._store = Store.open(self.path)
            self._store.database.conn.execute("pragma synchronous = off")
        self._reader = self._reader or Reader.open(self.path)
        return SlotClaimer(SlotQueue(self._store, self._reader), lambda schedule: CLIENTS)

    def die(self) -> None:
        """What is claimed and not begun now belongs to nobody."""
        if self._store is not None and self._reader is not None:
            self._store.close()
            self._reader.close()
        self._store = self._reader = None

    def look(self, *, dies_in_it: bool = False) -> datetime:
        """One look and the backups that came of it; returns when the process wants to look again, at the latest."""
        found = self.engine().claim_due(SCHEDULES, self.now)
        for batch in found.batches:
            if dies_in_it and self.dice.random() < 0.7:
                self.die()
                return self.now
            self._run(batch)
        coming = [next(schedule.clock.after(self.now)) for schedule in SCHEDULES.values()]
        return min(coming)

    def _run(self, batch: Batch) -> None:
        assert self._store is not None
        for ref, start in batch.starts.items():
            self.ran[batch.schedule.name, batch.slot, ref] += 1
            late = (max(self.now, start) - batch.slot).total_seconds()
            self.lateness[batch.schedule.name, batch.slot] = max(
                late, self.lateness.get((batch.schedule.name, batch.slot), 0)
            )
            run = Run(
                f"{self.now:%Y%m%dT%H%M%S}-{ref.client}-{sum(self.ran.values())}",
                ref.client,
                ref.master,
                self.now,
                Outcome.OK,
                schedule=batch.schedule.name,
                ended=self.now,
            )
            self._store.record_run(run, slot=batch.slot)


def new_site(directory: Path, seed: int, start: datetime = YEAR.start) -> Site:
    return Site(directory / "history.db", random.Random(seed), start)


def rows(path: Path) -> Mapping[tuple[str, str, str], SlotRow]:
    with Reader.open(path) as reader:
        return {(row.schedule, row.slot, row.client): row for row in reader.slots()}


def expected(start: datetime, end: datetime) -> Iterator[tuple[Schedule, list[datetime]]]:
    for schedule in SCHEDULES.values():
        yield schedule, slots(schedule.timezone, start, end, WANTED[schedule.cron])


def until(site: Site, wish: datetime) -> None:
    site.true_now += max(wish - site.now, timedelta()) + timedelta(seconds=site.dice.uniform(0.2, 2))


@periods
def test_without_trouble_every_slot_begins_on_time(tmp_path: Path, period: Period) -> None:
    site = new_site(tmp_path, 1, period.start)
    while site.true_now < period.end:
        until(site, site.look())
    found = rows(site.path)
    for schedule, known in expected(period.start, period.end):
        for slot in known:
            for ref in CLIENTS:
                assert site.ran[schedule.name, slot, ref] == 1, (schedule.name, slot)
                row = found.pop((schedule.name, rfc3339(slot), ref.client))
                assert (row.state, row.reason) == ("done", None)
            assert site.lateness[schedule.name, slot] <= schedule.jitter + 3
    # What is left lies before the beginning: the slot that each schedule had last when nimwrap first saw it.
    assert all(row.slot < rfc3339(period.start) for row in found.values())
    site.die()


@periods
@pytest.mark.parametrize("seed", [7, 20261123])
def test_with_crashes_and_downtime_every_slot_is_done_once_or_missed_with_a_reason(
    tmp_path: Path, seed: int, period: Period
) -> None:
    site = new_site(tmp_path, seed, period.start)
    down: list[tuple[datetime, datetime]] = []
    while site.true_now < period.end:
        wish = site.look(dies_in_it=site.dice.random() < 0.05)
        if site.dice.random() < 0.04:
            site.die()
            began = site.true_now
            site.true_now += timedelta(hours=site.dice.choice([0.01, 0.5, 2, 7, 30, 200]) * site.dice.random())
            down.append((began, site.true_now))
        else:
            until(site, wish)
    site.look()
    found = rows(site.path)
    missed = 0
    for schedule, known in expected(period.start, site.true_now - timedelta(days=1)):
        for slot in known:
            for ref in CLIENTS:
                row = found[schedule.name, rfc3339(slot), ref.client]
                if row.state == "missed":
                    missed += 1
                    assert row.reason
                    assert site.ran[schedule.name, slot, ref] == 0
                    nearby = timedelta(seconds=schedule.jitter + 5)
                    assert any(one <= slot + nearby and slot <= other for one, other in down), (row, schedule)
                else:
                    assert row.state == "done", row
                    assert site.ran[schedule.name, slot, ref] == 1
                    assert (
                        site.lateness[schedule.name, slot]
                        <= max(schedule.window or 0, schedule.catch_up + 60) + schedule.catch_up + schedule.jitter + 60
                    )
    assert missed > 3  # the dice were not too kind
    assert set(site.ran.values()) == {1}
    site.die()


@periods
@pytest.mark.parametrize("seed", [3, 11])
def test_with_clocks_set_wrong_no_slot_is_doubled_or_lost(tmp_path: Path, seed: int, period: Period) -> None:
    site = new_site(tmp_path, seed, period.start)
    wrong_since: datetime | None = None
    disturbed: list[tuple[datetime, datetime]] = []
    while site.true_now < period.end:
        until(site, site.look())
        if wrong_since is None and site.dice.random() < 0.02:
            wrong_since = site.true_now
            site.error = timedelta(hours=site.dice.choice([-400, -26, -3, -0.2, 0.2, 3, 26, 400]) * site.dice.random())
        elif wrong_since is not None and site.dice.random() < 0.3:
            disturbed.append((min(wrong_since, wrong_since + site.error), max(site.now, site.true_now)))
            wrong_since, site.error = None, timedelta()
    site.error = timedelta()
    site.look()
    found = rows(site.path)
    assert len(disturbed) > 2
    late_allowed = {name: timedelta(seconds=schedule.catch_up + 120) for name, schedule in SCHEDULES.items()}
    for schedule, known in expected(period.start, period.end - timedelta(days=10)):
        for slot in known:
            for ref in CLIENTS:
                row = found[schedule.name, rfc3339(slot), ref.client]
                assert site.ran[schedule.name, slot, ref] == (row.state == "done")
                if row.state != "done":
                    assert row.state == "missed" and row.reason
                    reach = late_allowed[schedule.name]
                    assert any(one - reach <= slot <= other + reach for one, other in disturbed), row
    assert set(site.ran.values()) == {1}
    site.die()


def test_slots_missed_by_a_clock_that_was_wrong_are_not_lost_when_it_is_set_right(tmp_path: Path) -> None:
    site = new_site(tmp_path, 5)
    site.look()
    site.error = timedelta(days=40)
    site.look()
    ahead = sum(row.state == "missed" for row in rows(site.path).values())
    assert ahead > 100
    site.error = timedelta()
    end = YEAR.start + timedelta(days=20)
    while site.true_now < end:
        until(site, site.look())
    for schedule in SCHEDULES.values():
        for slot in takewhile(lambda slot: slot < end, schedule.clock.after(YEAR.start)):
            assert site.ran[schedule.name, slot, CLIENTS[0]] == 1, (schedule.name, slot)
    site.die()
