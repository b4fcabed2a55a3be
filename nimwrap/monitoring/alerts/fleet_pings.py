"""Pings of a fleet run for a dead-man's switch: it begins, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from nimwrap.domain.codes import Outcome
from nimwrap.domain.errors import NimwrapError, Problem
from nimwrap.monitoring.alerts.tell_news import HINT, nobody_told

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.records import Run
    from nimwrap.monitoring.alerts.ping import Signal

_BAD = (Outcome.FAILED, Outcome.REFUSED, Outcome.LOCKED)


def ping_begin(config: Config) -> tuple[str, list[Problem]]:
    """Ping that a fleet run begins; the id that ties its end to it (empty without a ping URL), and the warnings."""
    if not config.notify.ping:
        return "", []
    from nimwrap.monitoring.alerts.ping import Signal

    rid = str(uuid4())
    return rid, _pinged(config, Signal.START, rid, "")


def ping_end(config: Config, runs: Sequence[Run], rid: str) -> list[Problem]:
    """Ping how a fleet run ended, unless some of it goes on without us; the warnings."""
    if not config.notify.ping or not runs or not all(run.ended for run in runs):
        return []
    from nimwrap.monitoring.alerts.ping import Signal

    signal = Signal.FAIL if any(run.outcome in _BAD for run in runs) else Signal.SUCCESS
    return _pinged(config, signal, rid, _summary(runs))


def _pinged(config: Config, signal: Signal, rid: str, text: str) -> list[Problem]:
    from nimwrap.monitoring.alerts.ping import ping

    try:
        trouble = ping(config.notify.ping, signal, rid, text)
    except NimwrapError as error:
        return [nobody_told(error)]
    except Exception as error:  # telling must not break a backup
        return [nobody_told(error)]
    return [Problem("notify", trouble, HINT)] if trouble else []


def _summary(runs: Sequence[Run]) -> str:
    """One line for each run, for the log of the ping service."""
    return "\n".join(
        f"{run.master}/{run.client}: {run.outcome}{f' ({run.failure.code})' if run.failure else ''}" for run in runs
    )
