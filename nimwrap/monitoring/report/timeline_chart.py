"""The last night as a timeline: each run, its image-making operations, and how many of them ran at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nimwrap.domain.durations import format_duration, parse_rfc3339
from nimwrap.history.model import AttemptRow, RunRow
from nimwrap.monitoring.report.nights import LastNight
from nimwrap.monitoring.report.svg import Markup, drawing, joined, safe, tag

WIDTH, LEFT, TOP = 960, 120, 22
NAMED_ROWS = 40
"""Up to so many clients each has a row with its name; more share lanes."""
_PLOT = WIDTH - LEFT - 20


@dataclass(frozen=True)
class Scale:
    """Moments to pixels: whole hours at both ends."""

    begins: datetime
    ends: datetime

    def x(self, moment: datetime) -> float:
        share = (moment - self.begins) / (self.ends - self.begins)
        return LEFT + _PLOT * min(1.0, max(0.0, share))

    def ticks(self) -> list[datetime]:
        hours = max(1, round((self.ends - self.begins) / timedelta(hours=1)))
        step = next((step for step in (1, 2, 3, 4, 6) if hours / step <= 9), 12)
        return [self.begins + timedelta(hours=hour) for hour in range(0, hours + 1, step)]


def scale_of(night: LastNight, now: datetime) -> Scale:
    """From the full hour before the first start to the full hour after the last end."""
    begins = parse_rfc3339(night.runs[0].started).astimezone().replace(minute=0, second=0)
    last = max(_end(run, now) for run in night.runs).astimezone()
    ends = last.replace(minute=0, second=0) + timedelta(hours=1)
    return Scale(begins, max(ends, begins + timedelta(hours=1)))


def timeline(night: LastNight, now: datetime) -> Markup:
    """A bar for each run: thin while it looked, waited or proved, thick while an image was made."""
    scale = scale_of(night, now)
    clients = list(dict.fromkeys((run.master, run.client) for run in night.runs))
    named = len(clients) <= NAMED_ROWS
    rows = [clients.index((run.master, run.client)) for run in night.runs] if named else _lanes(night.runs, now)
    height = 18 if named else max(3, min(12, 700 // (max(rows) + 1)))
    bottom = TOP + height * (max(rows) + 1)
    bars = [
        _bar(run, night.attempts.get(run.id, ()), scale, TOP + height * row, height, now)
        for run, row in zip(night.runs, rows, strict=True)
    ]
    several = len({master for master, _ in clients}) > 1
    names = (
        [
            tag(
                "text",
                _cut(f"{master}/{client}" if several else client),
                x=LEFT - 8,
                y=TOP + height * row + 13,
                class_="axis name",
            )
            for row, (master, client) in enumerate(clients)
        ]
        if named
        else []
    )
    label = f"Timeline of {len(night.runs)} runs, {scale.begins:%H:%M} to {scale.ends:%H:%M}"
    return drawing(WIDTH, bottom + 4, label, _grid(scale, bottom), joined(names), joined(bars), class_="timeline")


def at_once(night: LastNight, master: str, cap: int | None, now: datetime) -> Markup:
    """How many images were being made at the same time, beside ``max_parallel``."""
    scale = scale_of(night, now)
    steps = concurrency(night, master, now)
    peak = max((running for _, running in steps), default=0)
    top, height = 8, 56
    unit = height / max(peak, cap or 1)
    path, before = [f"M{LEFT} {top + height}"], 0
    for moment, running in steps:
        path.append(f"H{scale.x(moment):.0f}V{top + height - running * unit:.0f}")
        before = running
    path.append(f"V{top + height - before * unit:.0f}H{scale.x(scale.ends):.0f}V{top + height}Z")
    limit = top + height - (cap or 0) * unit
    parts = [tag("path", d="".join(path), class_="area")]
    if cap is not None:
        parts.append(tag("line", x1=LEFT, x2=WIDTH - 20, y1=f"{limit:.0f}", y2=f"{limit:.0f}", class_="cap"))
        parts.append(tag("text", f"cap {cap}", x=LEFT - 8, y=f"{limit + 4:.0f}", class_="axis name"))
    label = f"{master}: at most {peak} images at once" + (f", the cap is {cap}" if cap is not None else "")
    return drawing(
        WIDTH, top + height + 6, label, *parts, class_="atonce", data_master=master, data_peak=peak, data_cap=cap
    )


def concurrency(night: LastNight, master: str, now: datetime) -> list[tuple[datetime, int]]:
    """How many operations of a master ran from each moment on at which that changed."""
    changes: dict[datetime, int] = {}
    for run in night.runs:
        for attempt in night.attempts.get(run.id, ()) if run.master == master else ():
            for moment, change in ((parse_rfc3339(attempt.started), 1), (_end(attempt, now), -1)):
                changes[moment] = changes.get(moment, 0) + change
    running, steps = 0, []
    for moment in sorted(changes):
        running += changes[moment]
        steps.append((moment, running))
    return steps


def _end(row: RunRow | AttemptRow, now: datetime) -> datetime:
    return parse_rfc3339(row.ended) if row.ended else now


def _lanes(runs: Sequence[RunRow], now: datetime) -> list[int]:
    """For each run the first lane that is free when it begins."""
    free: list[datetime] = []
    chosen = []
    for run in runs:
        begins = parse_rfc3339(run.started)
        lane = next((number for number, until in enumerate(free) if until <= begins), len(free))
        free[lane : lane + 1] = [_end(run, now)]
        chosen.append(lane)
    return chosen


def _bar(run: RunRow, attempts: Sequence[AttemptRow], scale: Scale, y: float, height: float, now: datetime) -> Markup:
    begins, ends = scale.x(parse_rfc3339(run.started)), scale.x(_end(run, now))
    middle = y + height / 2
    thick = max(2.0, height * 0.62)
    rects = [_rect(begins, ends, middle, max(1.0, height * 0.16))]
    for attempt in attempts:
        rects.append(_rect(scale.x(parse_rfc3339(attempt.started)), scale.x(_end(attempt, now)), middle, thick))
    if not attempts:
        rects.append(_rect(begins, begins + 3, middle, thick))
    outcome = safe(run.outcome)
    return Markup(  # thousands of them: tag() takes five times as long
        f'<g class="run {outcome}" data-run="{safe(run.id)}" data-client="{safe(run.client)}" data-outcome="{outcome}"'
        f' data-attempts="{len(attempts)}"><title>{safe(_told(run, now))}</title>{"".join(rects)}</g>'
    )


def _rect(begins: float, ends: float, middle: float, height: float) -> str:
    width = max(ends - begins, 1.5)
    return f'<rect x="{begins:.1f}" y="{middle - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}"></rect>'


def _told(run: RunRow, now: datetime) -> str:
    took = format_duration((_end(run, now) - parse_rfc3339(run.started)).total_seconds())
    begun = f"{parse_rfc3339(run.started).astimezone():%H:%M}"
    why = f": {run.failure_message or run.failure_code}" if run.failure_code else ""
    remedy = f", let in by {run.remedy}" if run.remedy else ""
    return f"{run.client}, {begun}, {took}, {run.outcome}{remedy}{why}"


def _grid(scale: Scale, bottom: float) -> Markup:
    parts = []
    for tick in scale.ticks():
        x = f"{scale.x(tick):.0f}"
        parts.append(tag("line", x1=x, x2=x, y1=TOP - 4, y2=f"{bottom:.0f}", class_="grid"))
        parts.append(tag("text", f"{tick.astimezone():%H:%M}", x=x, y=12, class_="axis tick"))
    return joined(parts)


def _cut(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"
