"""The report: one HTML page with everything in it. It loads nothing, runs nothing and works from a file share."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from nimwrap import __version__
from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_duration, format_size, parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.verdict import Verdict
from nimwrap.history.model import RunRow
from nimwrap.history.ports import Queries
from nimwrap.monitoring.alerts.recipients import site_name
from nimwrap.monitoring.collector_pause import collector_paused
from nimwrap.monitoring.protection import protection
from nimwrap.monitoring.report import calendar_chart, small_charts, timeline_chart
from nimwrap.monitoring.report.capacity_view import RoomForImages, past_of_all, rooms
from nimwrap.monitoring.report.client_rows import client_rows
from nimwrap.monitoring.report.cluster_history import histories
from nimwrap.monitoring.report.failure_causes import LastGood, causes, is_healed
from nimwrap.monitoring.report.mentions import Mentions
from nimwrap.monitoring.report.next_steps import todos
from nimwrap.monitoring.report.nights import LastNight, last_night, nights
from nimwrap.monitoring.report.page_scope import EVERYTHING, PageScope
from nimwrap.monitoring.report.parallel_view import night_rates, rates_chart
from nimwrap.monitoring.report.svg import Markup, local_minute, plain, typed
from nimwrap.monitoring.report.trends import trends

if TYPE_CHECKING:
    from jinja2 import Environment

_FEW_NIGHTS = 14
"""Nights that the table below the calendar lists."""
_RUNS = 200
"""Runs of each client on a page about some clients."""


def page(config: Config, reader: Queries, now: datetime, scope: PageScope = EVERYTHING) -> str:
    """The whole page as text. NimwrapError (exit 78) where Jinja2 is not installed."""
    with collector_paused():
        return _page(config, reader, now, scope)


def _page(config: Config, reader: Queries, now: datetime, scope: PageScope) -> str:
    template = _environment().from_string(_resource("report.html.jinja"))
    whole = protection(config, reader, now)
    found = whole if scope.refs is None else whole.of(scope.refs)
    mentions = Mentions(found.named)
    past = past_of_all(reader, config, found.named)
    of_client = trends(reader, past, {view.ref: view.row.kind or PLAIN_KIND for view in found.clients})
    good = {view.ref: view.row.last_good for view in found.clients}
    since = scope.failures_since(now)
    return template.render(
        style=Markup(_resource("report.css")),
        version=__version__,
        name=site_name(config),
        now=now,
        since=since,
        site=found,
        counts=[(verdict, found.count(verdict)) for verdict in _BY_WEIGHT],
        held=sum(view.hold is not None for view in found.clients),
        todos=todos(found.clients),
        mention=mentions.one,
        mentioned=mentions.some,
        **(_of_all(config, reader, now, scope, good) if scope.refs is None else _of_some(reader, scope, since, good)),
        causes=causes(reader, since, scope, good),
        histories=[(each, small_charts.holders(each)) for each in histories(reader, found.clusters)],
        clusters=len(found.clusters),
        rooms=[_room(each) for each in rooms(reader, config, past, now)] if scope.refs is None else [],
        clients=client_rows(found, found.named, of_client),
        names=found.named,
        copies=[(view.ref, one) for view in found.clients for one in view.copies],
        drills=[(view.ref, view.last_drill) for view in found.clients],
    )


def _of_all(config: Config, reader: Queries, now: datetime, scope: PageScope, good: LastGood) -> dict[str, Any]:
    """The nights of the whole site, and one of them in detail."""
    months = nights(reader, now, scope.since)
    night = last_night(reader)
    return {
        "calendar": calendar_chart.calendar(months),
        "nights_told": [calendar_chart.describe(each) for each in reversed(months[-_FEW_NIGHTS:])],
        "last": _last_night(config, reader, night, now, good) if night else None,
        "runs": [],
    }


def _of_some(reader: Queries, scope: PageScope, since: datetime, good: LastGood) -> dict[str, Any]:
    """The runs of the clients that the page is about."""
    keys = [(ref.master, ref.client) for ref in sorted(scope.refs or (), key=str)]
    runs = [run for found in reader.last_runs_of(keys, _RUNS).values() for run in found]
    runs = [run for run in runs if parse_rfc3339(run.started) >= since]
    runs.sort(key=lambda run: run.started, reverse=True)
    return {"calendar": None, "nights_told": [], "last": None, "runs": [(run, _state(run, good)) for run in runs]}


def _state(run: RunRow, good: LastGood) -> str:
    return "healed since" if run.outcome in _BAD and is_healed(run, good) else ""


_BAD = ("failed", "refused", "locked")
_BY_WEIGHT = (Verdict.OK, Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN)


def _last_night(config: Config, reader: Queries, night: LastNight, now: datetime, good: LastGood) -> dict[str, Any]:
    masters = list(dict.fromkeys(run.master for run in night.runs))
    caps = {name: config.masters[name].most_parallel if name in config.masters else None for name in masters}
    since = min((parse_rfc3339(run.started) for run in night.runs), default=now)
    learned = [name for name in masters if name in config.masters and config.masters[name].learns_parallel]
    rates = {name: reader.learned_rates(name, since, night.night.ends) for name in learned}
    scale = timeline_chart.scale_of(night, now)
    return {
        "rates": [(name, night_rates(of), rates_chart(name, of, scale)) for name, of in rates.items() if of],
        "date": night.night.evening + timedelta(days=1),
        "runs": night.runs,
        "told": calendar_chart.describe(night.night),
        "chart": timeline_chart.timeline(night, now),
        "at_once": [(name, timeline_chart.at_once(night, name, cap, now)) for name, cap in caps.items()],
        "bad": [(run, _state(run, good)) for run in night.runs if run.outcome in _BAD][:50],
    }


def _room(room: RoomForImages) -> dict[str, Any]:
    return {"room": room, "chart": small_charts.room(room.forecast), "full": room.forecast.full_on}


def _environment() -> Environment:
    try:
        from jinja2 import Environment, StrictUndefined
    except ModuleNotFoundError as error:
        raise NimwrapError(
            "the report needs Jinja2, which is not installed here",
            code="config_invalid",
            hint="pip install 'nimwrap[report]'",
            exit_code=ExitCode.CONFIG,
        ) from error
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    made.filters.update(ago=format_duration, size=format_size, moment=local_minute, day=_day, typed=typed)
    return made


def _shown(value: object) -> object:
    """What a page cannot show is replaced before it is escaped; markup of ours stays."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _day(value: date | datetime) -> str:
    return f"{value:%a %Y-%m-%d}"


def _resource(name: str) -> str:
    return (files("nimwrap.monitoring.report") / "templates" / name).read_text(encoding="utf-8")
