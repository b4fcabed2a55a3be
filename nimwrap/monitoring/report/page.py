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
from nimwrap.history.ports import Queries
from nimwrap.monitoring.collector_pause import collector_paused
from nimwrap.monitoring.protection import protection
from nimwrap.monitoring.report import calendar_chart, small_charts, timeline_chart
from nimwrap.monitoring.report.capacity_view import RoomForImages, past_of_all, rooms
from nimwrap.monitoring.report.client_rows import client_rows
from nimwrap.monitoring.report.cluster_history import histories
from nimwrap.monitoring.report.failure_causes import SINCE, causes
from nimwrap.monitoring.report.next_steps import grouped, some
from nimwrap.monitoring.report.nights import LastNight, last_night, nights
from nimwrap.monitoring.report.parallel_view import night_rates
from nimwrap.monitoring.report.svg import Markup, local_minute, plain, typed
from nimwrap.monitoring.report.trends import trends

if TYPE_CHECKING:
    from jinja2 import Environment

_FEW_NIGHTS = 14
"""Nights that the table below the calendar lists."""


def page(config: Config, reader: Queries, now: datetime, since: datetime | None = None) -> str:
    """The whole page as text; ``since``: how far back the causes of failures are told, 30 days by default.

    NimwrapError (exit 78) where Jinja2 is not installed.
    """
    with collector_paused():
        return _page(config, reader, now, since or now - SINCE)


def _page(config: Config, reader: Queries, now: datetime, since: datetime) -> str:
    template = _environment().from_string(_resource("report.html.jinja"))
    found = protection(config, reader, now)
    months = nights(reader, now)
    night = last_night(reader)
    names = found.named
    past = past_of_all(reader, config, names)
    of_client = trends(reader, past, {view.ref: view.row.kind or PLAIN_KIND for view in found.clients})
    return template.render(
        style=Markup(_resource("report.css")),
        version=__version__,
        now=now,
        site=found,
        counts=[(verdict, found.count(verdict)) for verdict in _BY_WEIGHT],
        held=sum(view.hold is not None for view in found.clients),
        steps=[(some(clients, 8), step) for clients, step in grouped((names[v.ref], v.advice) for v in found.clients)],
        nights=months,
        calendar=calendar_chart.calendar(months),
        nights_told=[calendar_chart.describe(each) for each in reversed(months[-_FEW_NIGHTS:])],
        last=_last_night(config, reader, night, now) if night else None,
        since=since,
        causes=causes(reader, since),
        histories=[(each, small_charts.holders(each)) for each in histories(reader, found.clusters)],
        clusters=len(found.clusters),
        rooms=[_room(each) for each in rooms(reader, config, past, now)],
        clients=client_rows(found, names, of_client),
        names=names,
        copies=[(names[view.ref], one) for view in found.clients for one in view.copies],
    )


_BY_WEIGHT = (Verdict.OK, Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN)


def _last_night(config: Config, reader: Queries, night: LastNight, now: datetime) -> dict[str, Any]:
    masters = list(dict.fromkeys(run.master for run in night.runs))
    caps = {name: config.masters[name].most_parallel if name in config.masters else None for name in masters}
    since = min((parse_rfc3339(run.started) for run in night.runs), default=now)
    learned = [name for name in masters if name in config.masters and config.masters[name].learns_parallel]
    return {
        "rates": {name: night_rates(reader, name, since, now) for name in learned},
        "date": night.night.evening + timedelta(days=1),
        "runs": night.runs,
        "told": calendar_chart.describe(night.night),
        "chart": timeline_chart.timeline(night, now),
        "at_once": [(name, timeline_chart.at_once(night, name, cap, now)) for name, cap in caps.items()],
        "bad": [run for run in night.runs if run.outcome in ("failed", "refused", "locked")][:50],
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
