"""The calendar of nights: one square a night, filled from below with what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from nimwrap.monitoring.report.nights import Night
from nimwrap.monitoring.report.svg import Markup, drawing, joined, tag

SIDE, STEP, LEFT, TOP = 18, 22, 34, 18
_GROUPS = (
    ("bad", ("failed", "refused", "missed")),
    ("warn", ("warning", "locked")),
    ("running", ("running",)),
    ("good", ("ok",)),
    ("idle", ("skipped",)),
)
"""From the bottom up; each group has its colour."""
_LEAST = 4


def calendar(nights: Sequence[Night]) -> Markup:
    """A column a week, Monday first."""
    first = nights[0].evening - timedelta(days=nights[0].evening.weekday())
    weeks = (nights[-1].evening - first).days // 7 + 1
    cells, months = [], []
    for night in nights:
        day = (night.evening - first).days
        x, y = LEFT + STEP * (day // 7), TOP + STEP * (day % 7)
        cells.append(_cell(night, x, y))
        if night.evening.day == 1:
            months.append(tag("text", f"{night.evening:%b}", x=x, y=11, class_="axis"))
    days = [
        tag("text", name, x=0, y=TOP + STEP * row + 13, class_="axis")
        for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun"))
    ]
    label = f"Calendar of {len(nights)} nights by outcome; the table below it has the figures"
    return drawing(LEFT + STEP * weeks, TOP + STEP * 7, label, *months, *days, *cells, class_="calendar")


def describe(night: Night) -> str:
    """``Night to 2026-11-23: 12 ok, 1 failed``."""
    said = ", ".join(f"{night.counts[name]} {name}" for _, names in _GROUPS for name in names if name in night.counts)
    return f"Night to {night.evening + timedelta(days=1):%a %Y-%m-%d}: {said or 'nothing ran'}"


def _cell(night: Night, x: float, y: float) -> Markup:
    parts = [(group, sum(night.counts.get(name, 0) for name in names)) for group, names in _GROUPS]
    parts = [(group, count) for group, count in parts if count]
    heights = [max(_LEAST, SIDE * count / night.total) for _, count in parts]
    scale = SIDE / sum(heights) if heights else 0
    bars, bottom = [], y + SIDE
    for (group, _), height in zip(parts, heights, strict=True):
        bottom -= height * scale
        bars.append(tag("rect", x=x, y=f"{bottom:.1f}", width=SIDE, height=f"{height * scale:.1f}", class_=group))
    empty = tag("rect", x=x, y=y, width=SIDE, height=SIDE, class_="empty")
    counts = {f"data_{name}": count for name, count in night.counts.items()}
    return tag(
        "g", tag("title", describe(night)), empty, joined(bars), class_="night", data_night=night.evening, **counts
    )
