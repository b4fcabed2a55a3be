"""What is told when a fleet run begins and when it has ended. Nothing here can break a backup: trouble is a warning."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from nimwrap.config.model import Config
from nimwrap.domain.codes import Outcome
from nimwrap.domain.errors import NimwrapError, Problem
from nimwrap.domain.records import Run
from nimwrap.fleet.fleet_run import run_fleet
from nimwrap.monitoring.report.report_files import after_fleet

if TYPE_CHECKING:
    from nimwrap.fleet.fleet_run import Order
    from nimwrap.fleet.session import Session
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.history.sqlite.store import Store
    from nimwrap.monitoring.alerts.alert_states import States
    from nimwrap.monitoring.alerts.ping import Signal

_log = logging.getLogger(__name__)
_BAD = (Outcome.FAILED, Outcome.REFUSED, Outcome.LOCKED)
_HINT = "`nimwrap notify test` tries every place"


def run_fleet_and_notify(session: Session, order: Order) -> list[Run]:
    """Run a fleet to its end, write the files of ``[report]``, and tell of it; trouble in that goes to the log."""
    rid = fleet_begins(session.config)
    runs = run_fleet(session, order)
    after_fleet(session.config, session.reader, session.clock.now())
    for problem in notify_fleet(session.config, session.store, session.reader, runs, session.clock.now(), rid=rid):
        _log.warning("%s", f"{problem.message}; {problem.hint}" if problem.hint else problem.message)
    return runs


def fleet_begins(config: Config) -> str:
    """Ping that a fleet run begins; the id that ties its end to it, empty without a ping URL."""
    if not config.notify.ping:
        return ""
    from nimwrap.monitoring.alerts.ping import Signal

    rid = str(uuid4())
    for problem in _pinged(config, Signal.START, rid, ""):
        _log.warning(problem.message)
    return rid


def notify_fleet(
    config: Config, store: Store, reader: Reader, runs: Sequence[Run], now: datetime, *, rid: str = ""
) -> list[Problem]:
    """Tell what is new since the last time, in one message, and ping how the fleet run ended; the warnings.

    Without ``runs`` only the message: a look at what has become overdue meanwhile.
    """
    problems: list[Problem] = []
    try:
        if config.notify.urls:
            problems += _tell(config, store, reader, now)
        if config.notify.ping and runs and all(run.ended for run in runs):
            problems += _pinged(config, _signal(runs), rid, _summary(runs))
    except NimwrapError as error:
        problems += [Problem("notify", f"nobody was told: {error.message}", error.hint)]
    except Exception as error:
        _log.debug("notify", exc_info=True)
        problems.append(Problem("notify", f"nobody was told: a bug in nimwrap: {type(error).__name__}"))
    return problems


def _tell(config: Config, store: Store, reader: Reader, now: datetime) -> list[Problem]:
    from nimwrap.monitoring.alerts.alert_channels import deliver
    from nimwrap.monitoring.alerts.alert_states import News, news, states_of
    from nimwrap.monitoring.alerts.delivery_log import delivered, note
    from nimwrap.monitoring.alerts.digest import digest
    from nimwrap.monitoring.protection import protection

    found = protection(config, reader, now)
    states = states_of(found)
    fresh = News()

    def decide(before: States) -> tuple[str, bool]:
        nonlocal fresh
        fresh = news(found, before, states, config.notify.on)
        return digest(fresh, found).subject if fresh else "nothing to tell", bool(fresh)

    noted = note(store, states, decide, now)
    if noted is None or not noted.send:
        return []
    deliveries = deliver(config.notify.urls, digest(fresh, found))
    if any(not delivery.trouble for delivery in deliveries):
        delivered(store, noted, states)
    return [Problem("notify", f"{one.place}: {one.trouble}", _HINT) for one in deliveries if one.trouble]


def _pinged(config: Config, signal: Signal, rid: str, text: str) -> list[Problem]:
    from nimwrap.monitoring.alerts.ping import ping

    trouble = ping(config.notify.ping, signal, rid, text)
    return [Problem("notify", trouble, _HINT)] if trouble else []


def _signal(runs: Sequence[Run]) -> Signal:
    from nimwrap.monitoring.alerts.ping import Signal

    return Signal.FAIL if any(run.outcome in _BAD for run in runs) else Signal.SUCCESS


def _summary(runs: Sequence[Run]) -> str:
    """One line for each run, for the log of the ping service."""
    return "\n".join(
        f"{run.master}/{run.client}: {run.outcome}{f' ({run.failure.code})' if run.failure else ''}" for run in runs
    )
