"""Who hears of every fleet run: the ping service, the report and metrics files, those who are notified."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nimwrap.fleet.fleet_observer import ExpectedEnd, FleetObserver, FleetObservers
from nimwrap.monitoring.alerts.fleet_pings import ping_begin, ping_end
from nimwrap.monitoring.alerts.tell_news import tell_news
from nimwrap.monitoring.report.report_files import after_fleet

if TYPE_CHECKING:
    from nimwrap.domain.errors import Problem
    from nimwrap.domain.records import Run
    from nimwrap.fleet.session import Session

_log = logging.getLogger(__name__)


def observed_by(session: Session, watching: FleetObserver) -> FleetObserver:
    """Whoever watches, and everybody who hears of every fleet run of this session."""
    return FleetObservers((watching, ReportFiles(session), Notifications(session), Pings(session)))


class Pings(FleetObserver):
    """A dead-man's switch hears that the fleet run begins, and how it ended."""

    def __init__(self, session: Session) -> None:
        self._config = session.config
        self._rid = ""

    def begins(self, expected_end: ExpectedEnd) -> None:
        self._rid, problems = ping_begin(self._config)
        _warn(problems)

    def ended(self, runs: Sequence[Run]) -> None:
        _warn(ping_end(self._config, runs, self._rid))


class ReportFiles(FleetObserver):
    """The files of ``[report]`` are written anew."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ended(self, runs: Sequence[Run]) -> None:
        after_fleet(self._session.config, self._session.reader, self._session.clock.now())


class Notifications(FleetObserver):
    """Those under ``[notify] urls`` are told what is new."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ended(self, runs: Sequence[Run]) -> None:
        _warn(news_of(self._session))


def news_of(session: Session) -> list[Problem]:
    """Tell what is new by the history as it is now; the warnings."""
    return tell_news(session.config, session.store, session.reader, session.clock.now())


def _warn(problems: Iterable[Problem]) -> None:
    for problem in problems:
        _log.warning("%s", f"{problem.message}; {problem.hint}" if problem.hint else problem.message)
