"""The newest runs of some clients, or of all, without reading more than a few rows of any."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from nimwrap.history.model import RunRow
from nimwrap.history.sqlite.connection import ReadOnly, select

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef

_RUNS = select(("started", "rowid", *RunRow._fields), "runs")
_Found = tuple[str, int, RunRow]
_ORDER = "order by started desc, rowid desc"
_BATCH = 400  # two values a client; SQLite binds at most 999 on old builds


def newest_runs(
    reader: ReadOnly, refs: Sequence[ClientRef] | None, *, after: str, outcomes: Sequence[str], limit: int | None
) -> list[RunRow]:
    """Runs newest first, of ``refs`` (None: everybody), not before ``after``, with one of ``outcomes`` if any."""
    if refs is None:
        sources = _of_all(reader, after, outcomes)
    else:
        if limit is not None and len(refs) > limit:
            refs = _latest_clients(reader, refs, outcomes, limit)
        sources = _of_clients(reader, refs, after, outcomes)
    newest_first = heapq.merge(*sources, key=lambda found: found[:2], reverse=True)
    return [run for _, _, run in islice(newest_first, limit)]


def _of_all(reader: ReadOnly, after: str, outcomes: Sequence[str]) -> list[Iterator[_Found]]:
    if not outcomes:
        return [_each(reader, f"{_RUNS} where started >= ? {_ORDER}", (after,))]
    sql = f"{_RUNS} where outcome = ? and started >= ? {_ORDER}"
    return [_each(reader, sql, (outcome, after)) for outcome in outcomes]


def _each(reader: ReadOnly, sql: str, parameters: Sequence[str]) -> Iterator[_Found]:
    for started, rowid, *values in reader.each(sql, parameters):
        yield started, rowid, RunRow.from_row(values)


def _of_clients(
    reader: ReadOnly, refs: Sequence[ClientRef], after: str, outcomes: Sequence[str]
) -> list[Iterator[_Found]]:
    where = "master = ? and client = ?"
    if not outcomes:
        sql = f"{_RUNS} where {where} and started >= ? {_ORDER}"
        return [_each(reader, sql, (ref.master, ref.client, after)) for ref in refs]
    sql = f"{_RUNS} where {where} and outcome = ? and started >= ? {_ORDER}"
    return [_each(reader, sql, (ref.master, ref.client, outcome, after)) for ref in refs for outcome in outcomes]


def _latest_clients(
    reader: ReadOnly, refs: Sequence[ClientRef], outcomes: Sequence[str], limit: int
) -> list[ClientRef]:
    """The ``limit`` clients whose newest run is the latest: the ``limit`` newest runs of all are among theirs."""
    own = "select max(r.started) from runs r where r.master = w.master and r.client = w.client"
    newest = [f"({own} and r.outcome = ?)" for _ in outcomes] or [f"({own})"]
    dated: list[tuple[str, ClientRef]] = []
    for start in range(0, len(refs), _BATCH):
        part = refs[start : start + _BATCH]
        sql = (
            f"with w(master, client) as (values {', '.join(['(?, ?)'] * len(part))})"
            f" select master, client, {', '.join(f'{one} as newest_{n}' for n, one in enumerate(newest))} from w"
        )
        names = [name for ref in part for name in (ref.master, ref.client)]
        by_name = {(ref.master, ref.client): ref for ref in part}
        for master, client, *moments in reader.each(sql, [*names, *outcomes]):
            if any(moments):
                dated.append((max(filter(None, moments)), by_name[master, client]))
    dated.sort(key=lambda one: one[0], reverse=True)
    cut = dated[limit - 1][0] if len(dated) >= limit else ""
    return [ref for newest_started, ref in dated if newest_started >= cut]
