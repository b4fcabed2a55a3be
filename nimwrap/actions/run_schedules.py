"""Fleet runs that schedules ask for: one schedule now, or all that is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from nimwrap.actions.backup_clients import FleetResult, Watch, result_of, run_observed, run_watched
from nimwrap.actions.fleet_observers import news_of
from nimwrap.domain.errors import usage_error
from nimwrap.fleet.fleet_run import Order
from nimwrap.fleet.session import Session, open_session, refresh_inventories
from nimwrap.scheduling.claims import unresolved_target
from nimwrap.scheduling.due_run import DueReport, meant, run_due

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.clock import Clock
    from nimwrap.domain.records import ClientRef, Run
    from nimwrap.fleet.fleet_observer import FleetObserver
    from nimwrap.scheduling.claims import ClaimResult
    from nimwrap.scheduling.model import Schedule


@dataclass(frozen=True)
class ScheduleResult:
    """``unresolved``: those whom the schedule means and nobody can back up."""

    fleet: FleetResult
    unresolved: Sequence[ClientRef]


@dataclass(frozen=True)
class DueResult:
    """Everything that was due; ``fleet``: all its fleet runs as one."""

    report: DueReport
    fleet: FleetResult


def run_schedule(config: Config, schedule: Schedule, issued: datetime, watch: Watch) -> ScheduleResult:
    """Back up the clients of a schedule now; its window begins now."""
    with open_session(config) as session:
        refs = meant(session, schedule, refresh_inventories(session))
        if not refs:
            message = f"the schedule {schedule.name} means no client"
            raise usage_error(message, "`nimwrap status` lists those that are known")
        ends = session.clock.now() + timedelta(seconds=schedule.window) if schedule.window is not None else None
        known = tuple(ref for ref in refs if not unresolved_target(ref))
        order = Order(known, schedule=schedule.name, window_ends=ends, issued=issued)
        unresolved = [ref for ref in refs if unresolved_target(ref)]
        return ScheduleResult(run_watched(session, order, watch), unresolved)


def run_due_slots(
    config: Config,
    schedules: Mapping[str, Schedule],
    observer: FleetObserver,
    leaving: Callable[[Clock], AbstractContextManager[None]],
    tell: Callable[[ClaimResult], None],
) -> DueResult:
    """Run what is due and what becomes due meanwhile; ``leaving`` may end it early, ``tell`` hears of every claim."""
    with open_session(config, tell=observer.progresses) as session, leaving(session.clock):
        report = run_due(session, schedules, fleet=partial(_observed, observer), tell=tell)
        if (
            not report.worked and not session.clock.stop.is_set()
        ):  # a fleet run tells by itself; here something may have become overdue
            report.said += [problem.message for problem in news_of(session)]
        runs = [run for worked in report.worked for run in worked.runs]
        order = Order(tuple(ref for worked in report.worked for ref in worked.order.refs), schedule="due")
        return DueResult(report, result_of(session, order, runs))


def _observed(observer: FleetObserver, session: Session, order: Order) -> list[Run]:
    return run_observed(session, order, observer)
