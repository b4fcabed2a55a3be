"""What the slots of a year are, found by walking through every quarter of an hour of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)


def slots(zone: str, start: datetime, end: datetime, wanted: Callable[[datetime], bool]) -> list[datetime]:
    """The instants from ``start`` to ``end`` at which a wall clock first shows a wanted time, or has skipped it."""
    place = ZoneInfo(zone)
    found: set[datetime] = set()
    shown: set[datetime] = set()
    instant = start - timedelta(days=2)
    before = instant.astimezone(place).replace(tzinfo=None)
    while instant <= end:
        wall = instant.astimezone(place).replace(tzinfo=None)
        skipped = before + QUARTER
        while skipped < wall:
            if wanted(skipped):
                found.add(instant)
            skipped += QUARTER
        if wanted(wall) and wall not in shown:
            found.add(instant)
        shown.add(wall)
        before = wall
        instant += QUARTER
    return sorted(slot.astimezone(UTC) for slot in found if start <= slot <= end)
