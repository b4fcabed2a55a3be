"""Back up clients: who is meant, the fleet run itself, and everybody who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from nimwrap.fleet.session import Session, open_session, refresh_and_select

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.clock import Clock
    from nimwrap.domain.errors import NimwrapError
    from nimwrap.domain.records import Run
    from nimwrap.fleet.fleet_observer import FleetObserver
    from nimwrap.fleet.fleet_run import Order
    from nimwrap.fleet.night_forecast import NightForecast
    from nimwrap.fleet.planned_fleet import Planned

Watch = Callable[["Clock", "Order"], AbstractContextManager["FleetObserver"]]
"""Who watches a fleet run while it goes on, and may end it early by the clock's ``stop``."""


@dataclass(frozen=True)
class FleetResult:
    """What came of a fleet run. ``shown``: its runs as the history has them now, with findings and evidence.

    ``unreachable``: why masters could not be asked that clients were wanted of, and of which no client is known.
    """

    config: Config
    order: Order
    runs: Sequence[Run]
    shown: list[dict[str, Any]]
    unreachable: Sequence[NimwrapError] = ()


@dataclass(frozen=True)
class BackupPlan:
    """What a backup would do. ``night``: how long it is expected to take, None where nobody can say; ``unreachable`` as
    in FleetResult."""

    order: Order
    planned: Sequence[Planned]
    night: NightForecast | None = None
    unreachable: Sequence[NimwrapError] = ()


@dataclass(frozen=True)
class Asking:
    """Who asks for a backup: ``at_terminal``: somebody waits there; ``retry``: but would rather wait than be told."""

    issued: datetime
    at_terminal: bool = False
    retry: bool = False


def backup_clients(config: Config, targets: Sequence[str], asking: Asking, watch: Watch) -> FleetResult:
    """Back up the clients that the targets mean; usage errors are raised before anything is started."""
    with _ordered(config, targets, asking) as (session, order, unreachable):
        return run_watched(session, order, watch, unreachable)


def plan_backup(config: Config, targets: Sequence[str], issued: datetime) -> BackupPlan:
    """Look at the clients as a backup would, and change nothing anywhere."""
    with _ordered(config, targets, Asking(issued)) as (session, order, unreachable):
        from nimwrap.fleet.night_forecast import night_forecast
        from nimwrap.fleet.planned_fleet import dry_run

        planned = dry_run(session, order)
        starting = [one.report.ref for one in planned if one.starts is not None]
        night = night_forecast(config, session.reader, list(dict.fromkeys(starting)), session.clock.now())
        return BackupPlan(order, planned, night, unreachable)


def run_watched(session: Session, order: Order, watch: Watch, unreachable: Sequence[NimwrapError] = ()) -> FleetResult:
    """One fleet run while somebody watches."""
    with watch(session.clock, order) as watching:
        runs = run_observed(session, order, watching)
    return result_of(session, order, runs, unreachable)


def run_observed(session: Session, order: Order, watching: FleetObserver) -> list[Run]:
    """One fleet run with all that belongs to it: pings, progress, the files of ``[report]``, notifications, hooks."""
    from nimwrap.actions.fleet_observers import observed_by
    from nimwrap.fleet.fleet_run import run_fleet

    return run_fleet(session, order, observed_by(session, order.refs, watching))


def result_of(
    session: Session, order: Order, runs: Sequence[Run], unreachable: Sequence[NimwrapError] = ()
) -> FleetResult:
    """What the history says of the runs of a fleet."""
    from nimwrap.history.json_view import runs_json

    shown = runs_json(session.reader, session.reader.runs_by_id([run.id for run in runs]), evidence=True)
    return FleetResult(session.config, order, runs, shown, unreachable)


@contextmanager
def _ordered(
    config: Config, targets: Sequence[str], asking: Asking
) -> Iterator[tuple[Session, Order, Sequence[NimwrapError]]]:
    with open_session(config, ahead=True) as session:
        # Its modules are read while the masters list their clients.
        Thread(target=import_module, args=("nimwrap.fleet.fleet_run",)).start()
        selection, unreachable = refresh_and_select(session, targets)
        from nimwrap.fleet.fleet_run import Order

        order = Order(
            selection.refs,
            selection.named,
            issued=asking.issued,
            at_terminal=asking.at_terminal,
            retry=asking.retry,
        )
        yield session, order, unreachable
