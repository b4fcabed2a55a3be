"""Who hears of every fleet run: the ping service, the report and metrics files, those who are notified."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nimwrap.domain.clock import Interrupted
from nimwrap.domain.codes import Outcome
from nimwrap.domain.errors import Problem
from nimwrap.domain.ref import ClientRef
from nimwrap.fleet.fleet_observer import ExpectedEnd, FleetObserver, FleetObservers
from nimwrap.monitoring.alerts.fleet_pings import ping_begin, ping_end
from nimwrap.monitoring.alerts.tell_news import tell_news
from nimwrap.monitoring.report.report_files import after_fleet

if TYPE_CHECKING:
    from nimwrap.copies.make_copy import CopyResult
    from nimwrap.domain.records import Run
    from nimwrap.fleet.session import Session

_log = logging.getLogger(__name__)


def observed_by(session: Session, refs: Sequence[ClientRef], watching: FleetObserver) -> FleetObserver:
    """Whoever watches, and everybody who hears of every fleet run of this session."""
    hooks = FleetHooks(session, refs)
    told = (ReportFiles(session), Notifications(session), Pings(session))
    return FleetObservers((watching, Copies(session), hooks, *told))


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


class Copies(FleetObserver):
    """Images that were made are copied elsewhere, before anybody is told how things stand."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ended(self, runs: Sequence[Run]) -> None:
        if not self._session.config.copies:
            return
        from nimwrap.actions.copy_images import copy_after_run

        refs = dict.fromkeys(ClientRef(run.master, run.client) for run in runs if run.outcome in _MADE)
        with suppress(Interrupted):  # what runs on the master goes on; the next pass takes it up
            done = copy_after_run(self._session, refs, self._tell)
            _warn(problem for error in done.troubles for problem in error.problems)

    def _tell(self, result: CopyResult) -> None:
        said = f"copy to {result.planned.place.name}: {result.location}"
        if result.failure:
            _warn([Problem(result.failure.code, f"{said}: {result.failure.message}", result.failure.fix)])
        else:
            _log.info("%s: ok", said)


_MADE = (Outcome.OK, Outcome.WARNING)


class FleetHooks(FleetObserver):
    """The hooks of the whole: before anything is begun, and once images and copies are made."""

    def __init__(self, session: Session, refs: Sequence[ClientRef]) -> None:
        self._session, self._refs = session, refs

    def begins(self, expected_end: ExpectedEnd) -> None:
        self._run("fleet-before", {})

    def ended(self, runs: Sequence[Run]) -> None:
        outcomes = [run.outcome for run in runs]
        counted = {str(one): str(outcomes.count(one)) for one in (Outcome.OK, Outcome.WARNING, Outcome.FAILED)}
        self._run("fleet-after", counted)

    def _run(self, when: str, values: dict[str, str]) -> None:
        if not self._session.config.hooks:
            return
        from nimwrap.hooks.hooks_elsewhere import run_of_fleet

        contexts = {ref.master: self._session.master_context(ref.master) for ref in self._refs}
        with suppress(Interrupted):
            for trouble in run_of_fleet(contexts, when, self._refs, values):
                _log.warning("%s", trouble)


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
