"""Failures by cause: how often, whom, and the cure that the newest run names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.ref import ClientRef
from nimwrap.history.sqlite.queries import Reader

SINCE = timedelta(days=30)
_LOOKED_AT = 300
_CHOSEN = frozenset({FailureCode.HELD})
"""Not failures: somebody wanted it so."""


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


def causes(reader: Reader, now: datetime) -> list[Cause]:
    """Every failure code of the last thirty days, the most frequent first."""
    since = rfc3339(now - SINCE)
    found = [cause for code in FailureCode if code not in _CHOSEN if (cause := _cause(reader, code, since))]
    return sorted(found, key=lambda cause: -cause.count)


def _cause(reader: Reader, code: FailureCode, since: str) -> Cause | None:
    counted = reader.rows("select count(*) as n from runs where failure_code = ? and started >= ?", (code, since))
    if not counted[0]["n"]:
        return None
    sql = (
        "select id, master, client, started, failure_message, failure_fix from runs"
        " where failure_code = ? and started >= ? order by started desc limit ?"
    )
    runs = reader.rows(sql, (code, since, _LOOKED_AT))
    clients = dict.fromkeys(ClientRef(run["master"], run["client"]) for run in runs)
    newest, moment = runs[0], datetime.fromisoformat(runs[0]["started"])
    fix = next((run["failure_fix"] for run in runs if run["failure_fix"]), "")
    message = newest["failure_message"] or ""
    return Cause(code, counted[0]["n"], tuple(clients), newest["id"], moment, message, fix)


def counts_ever(reader: Reader) -> dict[str, int]:
    """Runs by failure code over the whole history."""
    sql = "select failure_code, count(*) as n from runs where failure_code = ?"
    counted = {code: reader.rows(sql, (code,))[0]["n"] for code in FailureCode}
    return {str(code): number for code, number in counted.items() if number}
