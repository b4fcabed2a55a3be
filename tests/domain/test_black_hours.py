"""Days and hours of a blackout on the wall clock: which moments are in one, and when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimwrap.domain.black_hours import LONGEST, WEEKDAYS, BlackHours, falls_on


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "inside", "outside"),
    [
        ("28", "2026-02-28", "2026-02-27"),
        ("28-31", "2026-01-31", "2026-02-01"),
        ("last", "2028-02-29", "2028-02-28"),
        ("last 3", "2026-11-28", "2026-11-27"),
        ("last 31", "2026-02-01", "2026-12-25"),
        ("sat", "2026-11-28", "2026-11-29"),
        ("fri-mon", "2026-11-30", "2026-12-01"),
        ("2026-12-24", "2026-12-24", "2027-12-24"),
        ("2026-12-24..2027-01-01", "2027-01-01", "2027-01-02"),
    ],
)
def test_days(days: str, inside: str, outside: str) -> None:
    assert falls_on(days, date.fromisoformat(inside))
    if days != "last 31":  # every day of any month
        assert not falls_on(days, date.fromisoformat(outside))


@pytest.mark.parametrize("days", ["", "0", "32", "5-3", "last 0", "last 32", "sat-", "monday", "2026-13-01", "1,2"])
def test_what_means_no_day_is_refused(days: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        falls_on(days, date(2026, 1, 1))


def test_whole_days_that_follow_one_another_end_together() -> None:
    month_end = BlackHours(["last 3", "1"], "00:00", "24:00", "UTC")
    assert month_end.until(at("2026-11-27T23:59")) is None
    assert month_end.until(at("2026-11-28T00:00")) == at("2026-12-02T00:00")
    assert month_end.until(at("2026-12-01T23:59")) == at("2026-12-02T00:00")
    assert month_end.until(at("2026-12-02T00:00")) is None


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    nights = BlackHours(["sat"], "22:00", "06:00", "UTC")
    assert nights.until(at("2026-11-28T21:59")) is None
    assert nights.until(at("2026-11-29T05:59")) == at("2026-11-29T06:00")
    assert nights.until(at("2026-11-28T05:00")) is None


def test_the_days_are_those_of_its_zone_and_a_changed_clock_changes_their_length() -> None:
    there = BlackHours(["2026-10-04"], "00:00", "24:00", "Australia/Melbourne")  # 23 hours long
    assert there.until(at("2026-10-03T13:59")) is None
    assert there.until(at("2026-10-03T14:00")) == at("2026-10-04T13:00")


def test_what_never_ends_is_told_to_last_long() -> None:
    ends = BlackHours(["1-31"], "00:00", "24:00", "UTC").until(at("2026-11-28T12:00"))
    assert ends is not None and ends - at("2026-11-28T12:00") > timedelta(days=LONGEST - 1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["28-31", "last 3", "1", *WEEKDAYS, "2026-12-24..2026-12-26"]), min_size=1, max_size=3),
    st.sampled_from(["00:00", "18:30", "23:00"]),
    st.sampled_from(["24:00", "06:00", "19:00"]),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    st.integers(0, 366 * 24 * 4),
)
def test_every_moment_before_its_end_is_inside_and_the_end_is_not(
    days: list[str], begins: str, ends: str, zone: str, quarter: int
) -> None:
    hours = BlackHours(days, begins, ends, zone)
    moment = at("2026-01-01T00:00") + timedelta(minutes=15 * quarter)
    until = hours.until(moment)
    if until is None:
        return
    assert until > moment
    assert hours.until(until) is None
    assert hours.until(moment + (until - moment) / 2) == until
