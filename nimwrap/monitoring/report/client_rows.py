"""The rows of the page's largest table, written here: a template takes ten times as long for ten thousand clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.verdict import texts
from nimwrap.monitoring.protection import ClientView, Protection
from nimwrap.monitoring.report.mentions import anchor
from nimwrap.monitoring.report.svg import Markup, local_minute, safe, typed
from nimwrap.monitoring.report.trends import Trend


def client_rows(found: Protection, names: Mapping[ClientRef, str], of_client: Mapping[ClientRef, Trend]) -> Markup:
    """A ``tbody`` for each client: its figures, and below them what is wrong with it and what to do.

    The first of each verdict has an anchor, ``is-VERDICT``, to leap to.
    """
    seen: set[str] = set()
    bodies = []
    for view in found.clients:
        verdict = str(view.judged.verdict)
        leap = "" if verdict in seen else f' id="is-{verdict}"'
        seen.add(verdict)
        bodies.append(_body(view, safe(names[view.ref]), of_client[view.ref], leap))
    return Markup("".join(bodies))


def _body(view: ClientView, name: str, trend: Trend, leap: str) -> str:
    row = f'<tr data-client="{name}" data-verdict="{view.judged.verdict}" id="{anchor(view.ref)}">'
    cells = "".join(_cells(view, trend))
    return f'    <tbody{leap}>\n    {row}<th scope="row">{name}{cells}</td></tr>\n{_why(view)}    </tbody>\n'


def _cells(view: ClientView, trend: Trend) -> Iterator[str]:
    """The rest of the row's heading and all its cells but the end of the last one."""
    row = view.row
    if view.cluster:
        yield f" <small>{safe(view.cluster)}</small>"
    yield f'</th><td>{_word(view.judged.verdict)}</td><td class="num">'
    if row.last_good and view.age_s is not None:
        yield f"{format_duration(view.age_s)} <small>{local_minute(row.last_good)}</small>"
    else:
        yield "never"
    size = format_size(row.size_bytes) if row.size_bytes else ""
    yield f'</td><td class="num">{size}{spark(trend.sizes, "image sizes", format_size)}</td><td class="num">'
    if trend.durations:
        yield format_duration(trend.durations[-1])
    yield f'{spark(trend.durations, "durations", format_duration)}</td><td class="run">'
    if row.last_run and row.last_started:
        yield f"{_word(row.last_outcome or '')} <small>{local_minute(row.last_started)}</small>"
    yield '</td><td class="num">'
    yield local_minute(view.next_run)


@cache
def _word(word: str) -> str:
    shown = safe(word)
    return f'<span class="word {shown}">{shown}</span>'


def _why(view: ClientView) -> str:
    if not view.judged.reasons:
        return ""
    advice = f' <span class="fix">{typed(view.advice)}</span>' if view.advice else ""
    return f'    <tr class="why"><td colspan="7">{typed(texts(view.judged.reasons))}{advice}</td></tr>\n'


def spark(values: list[int], what: str, written: Callable[[float], str]) -> str:
    """A trend as a line of 96 by 22, the newest value as a dot; nothing without two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    floor = low - max(high - low, high * 0.1) * 0.25
    scale = 18 / (max(high - floor, 1) * 1.1)
    heights = [20.5 - (value - floor) * scale for value in values]
    label = f"{what} of the last {len(values)}: {written(values[0])} to {written(values[-1])}"
    return (
        f'<svg viewBox="0 0 96 22" class="spark" role="img" aria-label="{label}" data-values="'
        f'{str(values)[1:-1].replace(" ", "")}"><polyline points="{_line(len(values)) % tuple(heights)}"></polyline>'
        f'<circle cx="90" cy="{int(heights[-1])}" r="2"></circle></svg>'
    )


@cache
def _line(count: int) -> str:
    """So many points from left to right, each with a place for its height: one text is quicker filled than twenty."""
    return " ".join(f"{round(2 + 88 * number / (count - 1))},%d" for number in range(count))
