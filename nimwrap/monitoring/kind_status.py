"""Clients of which more or other than mksysb images are made: the worst of their kinds speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from nimwrap.domain.ref import Key
from nimwrap.history.model import FleetRow, LastGoodRow, RunRow
from nimwrap.history.sqlite.queries import Reader

_PLAIN = ("mksysb",)
_BAD = ("failed", "refused", "locked")


def with_all_kinds(
    reader: Reader, rows: Sequence[FleetRow], kinds_of: Callable[[Key], Sequence[str]]
) -> list[FleetRow]:
    """``fleet_status`` rows, of which those with other kinds tell of the kind that is missing, else of the oldest."""
    of_client = {row.key: tuple(kinds_of(row.key)) for row in rows}
    others = [key for key, kinds in of_client.items() if kinds != _PLAIN]
    if not others:
        return list(rows)
    goods = reader.last_good_of(others)
    runs = reader.last_runs_of(others, 4 * max(len(of_client[key]) for key in others))
    told = {row.key: row for row in rows}
    for key in others:
        of_kind = [(kind, goods.get((*key, kind))) for kind in of_client[key]]
        told[key] = _with_last_run(_with_oldest_good(told[key], of_kind), of_client[key], runs.get(key, ()))
    return list(told.values())


def _with_oldest_good(row: FleetRow, goods: Iterable[tuple[str, LastGoodRow | None]]) -> FleetRow:
    """The row with the last good image of the kind that is missing, else of the oldest."""
    kind, good = min(goods, key=lambda pair: pair[1].created if pair[1] else "")
    return row._replace(
        kind="" if kind == "mksysb" else kind,
        last_good=good and good.created,
        last_good_image=good and good.image,
        last_good_run=good and good.run,
        last_good_outcome=good and good.outcome,
        resource=good and good.resource,
        location=good and good.location,
        size_bytes=good and good.size_bytes,
    )


def _with_last_run(row: FleetRow, kinds: Sequence[str], runs: Iterable[RunRow]) -> FleetRow:
    """The row with its newest run, unless the newest of another kind ended badly."""
    newest: dict[str, RunRow] = {}
    for run in runs:
        newest.setdefault(run.kind, run)
    bad = next((run for kind, run in newest.items() if kind in kinds and run.outcome in _BAD), None)
    if bad is None:
        return row
    return row._replace(
        last_run=bad.id,
        last_outcome=bad.outcome,
        last_started=bad.started,
        last_ended=bad.ended,
        failure_code=bad.failure_code,
        failure_message=bad.failure_message,
        failure_fix=bad.failure_fix,
    )
