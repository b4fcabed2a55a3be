"""The small charts: who held a cluster's address, and room that is left."""

from __future__ import annotations

from nimwrap.domain.durations import format_size, parse_rfc3339
from nimwrap.images.capacity import Forecast
from nimwrap.monitoring.report.cluster_history import ClusterHistory, Moment
from nimwrap.monitoring.report.svg import Markup, drawing, joined, tag

_WIDE, _LEFT, _LANE = 960, 120, 34
_APART = 11
"""Between the marks of two nodes in one lane: they are backed up minutes after one another."""


def holders(history: ClusterHistory) -> Markup:
    """A lane for each node that held the service address; each run stands in the lane of who held it then.

    In a lane the runs of the first node stand above those of the second.
    """
    moments = history.moments
    members = [ref.client for ref in history.cluster.members]
    nodes = sorted({node for moment in moments if moment.sight for node in moment.sight.holders.values()})
    lanes = [*nodes, "not seen"] if any(_holder(moment) not in nodes for moment in moments) else nodes
    times = [parse_rfc3339(moment.run.started) for moment in moments]
    if not times or not lanes:
        return Markup("")
    reach = max((times[-1] - times[0]).total_seconds(), 1.0)
    marks, line = [], list[str]()
    for moment, at in zip(moments, times, strict=True):
        x = _LEFT + 10 + (_WIDE - _LEFT - 30) * (at - times[0]).total_seconds() / reach
        holder = _holder(moment)
        middle = _middle(lanes.index(holder if holder in lanes else "not seen"))
        if holder in nodes:
            line.append(f"{'L' if line else 'M'}{x:.0f} {middle}")
        beside = members.index(moment.run.client) - (len(members) - 1) / 2
        marks.append(_mark(moment, holder, x, middle + round(_APART * beside)))
    names = [tag("text", name, x=_LEFT - 8, y=_middle(row) + 4, class_="axis name") for row, name in enumerate(lanes)]
    rails = [
        tag("line", x1=_LEFT, x2=_WIDE - 20, y1=_middle(row), y2=_middle(row), class_="grid")
        for row in range(len(lanes))
    ]
    label = f"Who held the service address of {history.cluster.name} during {len(moments)} runs"
    return drawing(
        _WIDE,
        _LANE * len(lanes) + 2,
        label,
        joined(rails),
        joined(names),
        tag("path", d="".join(line), class_="holder"),
        joined(marks),
        class_="holders",
    )


def _middle(lane: int) -> int:
    return _LANE * lane + _LANE // 2


def _holder(moment: Moment) -> str:
    return (moment.sight.holder if moment.sight else None) or "not seen"


def _mark(moment: Moment, holder: str, x: float, y: float) -> Markup:
    """A dot for a run that made an image, a cross for one that did not."""
    run = moment.run
    shape = tag("circle", cx=f"{x:.0f}", cy=y, r=4)
    if moment.bad:
        shape = tag("path", d=f"M{x - 5:.0f} {y - 5}l10 10m0-10l-10 10")
    why = f" ({run.failure_code})" if run.failure_code else ""
    at = parse_rfc3339(run.started).astimezone()
    said = f"{run.client}, {at:%Y-%m-%d %H:%M}: {run.outcome}{why}; address held by {holder}"
    return tag(
        "g",
        tag("title", said),
        shape,
        class_=f"mark {run.outcome}",
        data_run=run.id,
        data_holder=holder,
        data_outcome=run.outcome,
    )


def room(forecast: Forecast) -> Markup:
    """Free bytes as a bar, and of it what one round of backups takes at its worst."""
    free, worst = forecast.free_bytes, forecast.worst_bytes
    whole = max(free, worst, 1)
    spans = (("free", 0, free), ("worst", 0, min(worst, free)), ("short", free, worst))
    parts = [
        tag(
            "rect",
            x=f"{400 * begin / whole:.0f}",
            y=0,
            width=f"{400 * (end - begin) / whole:.0f}",
            height=14,
            class_=name,
        )
        for name, begin, end in spans
        if end > begin
    ]
    marks = [
        tag("text", format_size(whole * part / 4), x=400 * part // 4, y=28, class_=f"axis scale-{part}")
        for part in (0, 2, 4)
    ]
    label = f"Room in {forecast.filesystem}: one round of backups takes {100 * worst / max(free, 1):.0f} percent of it"
    return drawing(400, 32, label, *parts, *marks, class_="room", data_free=free, data_worst=worst)
