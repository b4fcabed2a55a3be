"""The scheduler daemon with all that its fleet runs bring about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nimwrap.actions.backup_clients import run_observed
from nimwrap.actions.fleet_observers import news_of
from nimwrap.scheduling.daemon import Daemon, Manager
from nimwrap.scheduling.runtime import Dependencies

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.fleet.fleet_observer import FleetObserver
    from nimwrap.scheduling.claims import ClaimResult
    from nimwrap.scheduling.model import Schedule


def scheduler_daemon(
    load: Callable[[], tuple[Config, dict[str, Schedule]]],
    manager: Manager,
    drain_s: float,
    observer: FleetObserver,
    tell: Callable[[ClaimResult], None],
) -> Daemon:
    """A daemon that is not started yet; ``load`` reads configuration and schedules, as the files are then."""
    outside = Dependencies(
        fleet=lambda session, order: run_observed(session, order, observer),
        overdue=lambda session: [problem.message for problem in news_of(session)],
        tell=observer.progresses,
    )
    return Daemon(load, manager, drain_s, outside, tell=tell)
