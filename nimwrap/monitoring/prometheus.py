"""The site as Prometheus text, by prometheus_client. The verdicts are those of ``protection``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from nimwrap import __version__
from nimwrap.config.model import Config
from nimwrap.copies.copy_health import CopyHealth, Health
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.verdict import Verdict
from nimwrap.history.ports import Queries
from nimwrap.monitoring.collector_pause import collector_paused
from nimwrap.monitoring.protection import ClientView, Protection, protection
from nimwrap.monitoring.report.capacity_view import RoomForImages, past_of_all, rooms
from nimwrap.monitoring.report.svg import plain

if TYPE_CHECKING:
    from prometheus_client.core import Metric

NUMBERS = {Verdict.OK: 0, Verdict.WARNING: 1, Verdict.CRITICAL: 2, Verdict.UNKNOWN: 3}
"""As Nagios has them."""
_CODE = "0 ok, 1 warning, 2 critical, 3 unknown"
_CLIENT = ("master", "client")
Samples = Iterable[tuple[Sequence[str], float | None]]


def metrics_text(config: Config, reader: Queries, now: datetime) -> str:
    """Everything as text. NimwrapError (exit 78) where prometheus_client is not installed."""
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ModuleNotFoundError as error:
        raise NimwrapError(
            "the metrics need prometheus_client, which is not installed here",
            code="config_invalid",
            hint="pip install 'nimwrap[metrics]'",
            exit_code=ExitCode.CONFIG,
        ) from error
    with collector_paused():
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(_all(config, reader, now)))
        return generate_latest(registry).decode()


def _all(config: Config, reader: Queries, now: datetime) -> list[Metric]:
    found = protection(config, reader, now)
    space = rooms(reader, config, past_of_all(reader, config, [view.ref for view in found.clients]), now)
    return [*_site(found), *_clients(found), *_history(reader, config, now), *_space(space)]


class _Collected:
    """What prometheus_client asks for its metrics: they are there already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self.metrics


def _gauge(name: str, told: str, labels: Sequence[str], samples: Samples) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(f"nimwrap_{name}", told, labels=labels), samples)


def _counter(name: str, told: str, labels: Sequence[str], samples: Samples) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(f"nimwrap_{name}", told, labels=labels), samples)


def _filled(metric: Any, samples: Samples) -> Metric:
    for labels, value in samples:
        if value is not None:
            metric.add_metric([plain(label) for label in labels], value)
    filled: Metric = metric
    return filled


def _site(found: Protection) -> Iterable[Metric]:
    yield _gauge("info", "The version that wrote this.", ("version",), [((__version__,), 1)])
    yield _gauge("generated_timestamp_seconds", "When this was written.", (), [((), found.at.timestamp())])
    yield _gauge("site_verdict", f"The worst verdict of all: {_CODE}.", (), [((), NUMBERS[found.verdict])])
    yield _gauge("site_faults", "Faults of the site itself: schedules, inventories.", (), [((), len(found.faults))])
    counts = [((str(verdict),), found.count(verdict)) for verdict in Verdict]
    yield _gauge("clients", "Clients by verdict.", ("verdict",), counts)


def _clients(found: Protection) -> Iterable[Metric]:
    def each(name: str, told: str, value: Callable[[ClientView], float | None]) -> Metric:
        samples = (((view.ref.master, view.ref.client), value(view)) for view in found.clients)
        return _gauge(name, told, _CLIENT, samples)

    yield _gauge(
        "client_info",
        "What is known of a client.",
        (*_CLIENT, "type", "cluster"),
        [((view.ref.master, view.ref.client, view.row.type, view.cluster or ""), 1) for view in found.clients],
    )
    yield each("client_verdict", f"Whether the client is protected: {_CODE}.", lambda v: NUMBERS[v.judged.verdict])
    yield each("client_never_backed_up", "1 where no good image is known.", lambda v: int(v.judged.never_backed_up))
    yield each("client_overdue", "1 where nothing good was made for too long.", lambda v: int(v.judged.overdue))
    yield each("client_held", "1 while the client is on hold.", lambda v: int(v.hold is not None))
    yield each("client_vanished", "1 when NIM lists the client no longer.", lambda v: int(bool(v.row.vanished)))
    yield each("client_max_age_seconds", "How old its last good image may be.", lambda v: v.policy_max_age_s)
    yield each("last_success_timestamp_seconds", "When the last good image was made.", _at("last_good"))
    yield each("last_success_age_seconds", "Its age when this was written.", lambda v: v.age_s)
    yield each("last_success_size_bytes", "Its size.", lambda v: v.row.size_bytes)
    yield each("last_run_timestamp_seconds", "When the last run began.", _at("last_started"))
    yield each("last_run_duration_seconds", "How long the last run took.", _took)
    yield each(
        "next_run_timestamp_seconds",
        "When the schedules start it next.",
        lambda v: v.next_run.timestamp() if v.next_run else None,
    )
    yield _copies("copy_state", f"How a client's copies stand: {_HEALTH}.", found, lambda one: _HEALTHS[one.health])
    yield _copies("copy_age_seconds", "Age of the newest image there.", found, lambda one: one.age_s)
    yield _gauge(
        "last_run_outcome",
        "How the last run ended: always 1, the outcome is a label.",
        (*_CLIENT, "outcome", "code"),
        [(_ended(view), 1) for view in found.clients if view.row.last_run],
    )


_HEALTHS = {health: number for number, health in enumerate(Health)}
_HEALTH = ", ".join(f"{number} {health}" for health, number in _HEALTHS.items())


def _copies(name: str, told: str, found: Protection, value: Callable[[CopyHealth], float | None]) -> Metric:
    samples = (
        ((view.ref.master, view.ref.client, one.place.name), value(one))
        for view in found.clients
        for one in view.copies
    )
    return _gauge(name, told, (*_CLIENT, "copy"), samples)


def _at(column: Literal["last_good", "last_started", "last_ended"]) -> Callable[[ClientView], float | None]:
    def moment(view: ClientView) -> float | None:
        at: str | None = getattr(view.row, column)
        return parse_rfc3339(at).timestamp() if at else None

    return moment


def _took(view: ClientView) -> float | None:
    began, ended = _at("last_started")(view), _at("last_ended")(view)
    return ended - began if began is not None and ended is not None else None


def _ended(view: ClientView) -> tuple[str, ...]:
    return view.ref.master, view.ref.client, view.row.last_outcome or "", view.row.failure_code or ""


def _history(reader: Queries, config: Config, now: datetime) -> Iterable[Metric]:
    ever = reader.failure_counts()
    failures = [((str(code),), ever.get(str(code), 0)) for code in FailureCode]
    yield _counter("run_failures", "Runs by the reason that they were not ok.", ("code",), failures)
    used = [(key, count) for key, count in reader.remedy_counts().items() if key[0] in config.masters]
    yield _counter("remedy_runs", "Runs whose image a remedy made possible.", ("master", "remedy"), used)
    open_changes = dict.fromkeys(config.masters, 0)
    for change in reader.open_changes():
        open_changes[change.master] = open_changes.get(change.master, 0) + 1
    yield _gauge(
        "open_export_changes",
        "Export changes that are not reverted.",
        ("master",),
        [((master,), count) for master, count in open_changes.items()],
    )
    taken = {row.master: parse_rfc3339(row.taken) for row in reader.inventories() if row.taken}
    ages = [((master,), (now - moment).total_seconds()) for master, moment in taken.items()]
    yield _gauge("inventory_age_seconds", "Age of the list of clients when this was written.", ("master",), ages)
    moments = [((master,), moment.timestamp()) for master, moment in taken.items()]
    yield _gauge("inventory_timestamp_seconds", "When a master was asked for its clients.", ("master",), moments)


def _space(space: Sequence[RoomForImages]) -> Iterable[Metric]:
    labels = ("master", "filesystem")

    def each(name: str, told: str, value: Callable[[RoomForImages], float | None]) -> Metric:
        return _gauge(name, told, labels, [((one.master, one.forecast.filesystem), value(one)) for one in space])

    yield each("filesystem_free_bytes", "Free room, as the last run saw it.", lambda one: one.forecast.free_bytes)
    yield each("filesystem_seen_timestamp_seconds", "When that was.", lambda one: one.seen.timestamp())
    yield each(
        "filesystem_round_bytes",
        "What one round of backups takes at its worst moment.",
        lambda one: one.forecast.worst_bytes,
    )
    yield each(
        "filesystem_full_timestamp_seconds",
        "When it will be full; absent when that is not in sight.",
        lambda one: one.forecast.full_on.timestamp() if one.forecast.full_on else None,
    )
