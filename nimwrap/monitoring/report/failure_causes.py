"""Failures by cause: how often, whom, and the cure that the newest run names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nimwrap.domain.codes import SET_ASIDE, FailureCode
from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import RunRow
from nimwrap.history.ports import Queries

SINCE = timedelta(days=30)
_LOOKED_AT = 300


@dataclass(frozen=True)
class Cause:
    """``clients``: those of the newest runs with it; ``newest``: the latest of them, with its message and fix."""

    code: FailureCode
    count: int
    clients: tuple[ClientRef, ...]
    run: str
    newest: datetime
    message: str
    fix: str


def causes(reader: Queries, since: datetime) -> list[Cause]:
    """Every failure code since then, the most frequent first."""
    counts = reader.failure_counts(since)
    runs: dict[FailureCode, list[RunRow]] = {}
    for run in reader.failed_runs(since, _LOOKED_AT):
        runs.setdefault(FailureCode(str(run.failure_code)), []).append(run)
    found = [_cause(code, counts[code], of_code) for code, of_code in runs.items() if code not in SET_ASIDE]
    return sorted(found, key=lambda cause: (-cause.count, cause.code))


def _cause(code: FailureCode, count: int, runs: Sequence[RunRow]) -> Cause:
    newest = runs[0]
    fix = next((run.failure_fix for run in runs if run.failure_fix), "")
    clients = dict.fromkeys(run.ref for run in runs)
    moment = datetime.fromisoformat(newest.started)
    return Cause(code, count, tuple(clients), newest.id, moment, newest.failure_message or "", fix)
