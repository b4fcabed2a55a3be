"""Failures by cause: how often, whom, and the cure that the newest run names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nimwrap.domain.codes import SET_ASIDE, FailureCode
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import RunRow
from nimwrap.history.ports import Queries
from nimwrap.monitoring.report.page_scope import PageScope

_LOOKED_AT = 300


@dataclass(frozen=True)
class Cause:
    """``clients``: those of the newest runs with it; ``newest``: the latest of them, with its message and fix.

    ``healed``: those of the clients that a good image was made of since.
    """

    code: FailureCode
    count: int
    clients: tuple[ClientRef, ...]
    run: str
    newest: datetime
    message: str
    fix: str
    healed: tuple[ClientRef, ...] = ()

    @property
    def open(self) -> tuple[ClientRef, ...]:
        """The clients without a good image since."""
        return tuple(ref for ref in self.clients if ref not in self.healed)


LastGood = Mapping[ClientRef, str | None]
"""Of each client the moment of its last good image."""


def causes(reader: Queries, since: datetime, scope: PageScope, last_good: LastGood) -> list[Cause]:
    """Every failure code since then, those of clients that are not healed first, then the most frequent."""
    counts = reader.failure_counts(since)
    runs: dict[FailureCode, list[RunRow]] = {}
    for run in reader.failed_runs(since, _LOOKED_AT):
        if scope.has(run.ref):
            runs.setdefault(FailureCode(str(run.failure_code)), []).append(run)
    found = [
        _cause(code, counts[code] if scope.refs is None else len(of_code), of_code, last_good)
        for code, of_code in runs.items()
        if code not in SET_ASIDE
    ]
    return sorted(found, key=lambda cause: (not cause.open, -cause.count, cause.code))


def is_healed(run: RunRow, last_good: LastGood) -> bool:
    """Whether a good image of the client was made since a run."""
    good = last_good.get(run.ref)
    return good is not None and parse_rfc3339(good) > parse_rfc3339(run.ended or run.started)


def _cause(code: FailureCode, count: int, runs: Sequence[RunRow], last_good: LastGood) -> Cause:
    newest = runs[0]
    fix = next((run.failure_fix for run in runs if run.failure_fix), "")
    clients = dict.fromkeys(run.ref for run in runs)
    moment = datetime.fromisoformat(newest.started)
    bad = {run.ref for run in runs if not is_healed(run, last_good)}
    healed = tuple(ref for ref in clients if ref not in bad)
    return Cause(code, count, tuple(clients), newest.id, moment, newest.failure_message or "", fix, healed)
