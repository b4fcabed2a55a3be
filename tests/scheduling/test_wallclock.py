"""Cron times against a walk through the whole year, in zones with every kind of time change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from nimwrap.scheduling.wallclock import cron_fields, time_zone, wall_clock
from tests.scheduling.oracle import slots

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
ZONES = [
    "Australia/Melbourne",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Tokyo",
]
TIMES = {
    "0 0 * * *": lambda wall: (wall.hour, wall.minute) == (0, 0),
    "30 0 * * *": lambda wall: (wall.hour, wall.minute) == (0, 30),
    "45 1 * * *": lambda wall: (wall.hour, wall.minute) == (1, 45),
    "30 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 30),
    "0 3 * * sun": lambda wall: (wall.hour, wall.minute, wall.weekday()) == (3, 0, 6),
    "*/30 2 * * *": lambda wall: wall.hour == 2 and wall.minute in (0, 30),
    "0 * * * *": lambda wall: wall.minute == 0,
    "15 */6 1,15 * *": lambda wall: wall.minute == 15 and wall.hour % 6 == 0 and wall.day in (1, 15),
    "0 4 1 * 1": lambda wall: (wall.hour, wall.minute) == (4, 0) and (wall.day == 1 or wall.weekday() == 0),
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", TIMES)
def test_a_year_has_each_slot_once(cron: str, zone: str) -> None:
    clock = wall_clock(cron, zone)
    found = list(takewhile(lambda slot: slot <= END, clock.after(START - timedelta(seconds=1))))
    assert found == slots(zone, START, END, TIMES[cron])


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", TIMES)
def test_the_latest_slot_is_the_one_before_the_next(cron: str, zone: str) -> None:
    clock = wall_clock(cron, zone)
    known = slots(zone, START, END, TIMES[cron])
    for before, after in zip(known[::7], known[1::7], strict=False):
        assert clock.latest(before) == before
        assert clock.latest(after - timedelta(seconds=1)) == before
        assert next(clock.after(before)) == after


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("61 1 * * *", "bad minute"),
        ("0 1 * *", "has 4 fields"),
        ("0 0 1 * * *", "has 6 fields"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("0 1 * * funday", "bad day-of-week"),
        ("@reboot", "not a cron macro"),
        ("", "has 0 fields"),
    ],
)
def test_a_wrong_expression_says_what_is_wrong(cron: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cron_fields(cron)


def test_macros_and_names_are_cron_as_people_know_it() -> None:
    assert cron_fields("@Daily") == "0 0 * * *"
    sunday = next(wall_clock("@weekly", "UTC").after(START))
    assert (sunday.weekday(), sunday.hour) == (6, 0)
    assert next(wall_clock("0 3 * * 7", "UTC").after(START)) == next(wall_clock("0 3 * * sun", "UTC").after(START))


@pytest.mark.parametrize("name", ["Europe/Berln", "CET-1CEST,M3.5.0,M10.5.0", "../etc/passwd", "", "SET-ME"])
def test_a_wrong_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        time_zone(name)
