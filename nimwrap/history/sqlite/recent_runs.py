"""The newest runs of some clients, or of all, without reading more than a few rows of any."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from nimwrap.history.model import RunRow
from nimwrap.history.sqlite.connection import ReadOnly, select

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef

_RUNS = select(("started", "rowid", *RunRow._fields), "runs")
_Found = tuple[str, int, RunRow]
_ORDER = "order by started desc, rowid desc"
_BATCH = 400  # two values a client; SQLite binds at most 999 on old builds


class Filter(NamedTuple):
    """Which runs: not before ``after``; with one of ``outcomes`` if any, and with the failure ``code`` if any."""

    after: str = ""
    outcomes: Sequence[str] = ()
    code: str = ""


def newest_runs(reader: ReadOnly, refs: Sequence[ClientRef] | None, which: Filter, limit: int | None) -> list[RunRow]:
    """Runs newest first, of ``refs`` (None: everybody)."""
    if refs is None:
        sources = _of_all(reader, which)
    else:
        if which.code:
            refs = _failed_so(reader, refs, which)
        elif limit is not None and len(refs) > limit:
            refs = _latest_clients(reader, refs, which.outcomes, limit)
        sources = [source for ref in refs for source in _of_client(reader, ref, which)]
    newest_first = heapq.merge(*sources, key=lambda found: found[:2], reverse=True)
    return [run for _, _, run in islice(newest_first, limit)]


def _of_all(reader: ReadOnly, which: Filter) -> list[Iterator[_Found]]:
    return _sources(reader, [], [], which)


def _of_client(reader: ReadOnly, ref: ClientRef, which: Filter) -> list[Iterator[_Found]]:
    return _sources(reader, ["master = ?", "client = ?"], [ref.master, ref.client], which)


def _sources(reader: ReadOnly, terms: list[str], bound: list[str], which: Filter) -> list[Iterator[_Found]]:
    """One ordered source, or one for each outcome: each is a walk along an index."""
    if which.code:
        terms, bound = [*terms, "failure_code = ?"], [*bound, which.code]
    if not which.outcomes:
        where = " and ".join([*terms, "started >= ?"])
        return [_each(reader, f"{_RUNS} where {where} {_ORDER}", [*bound, which.after])]
    where = " and ".join([*terms, "outcome = ?", "started >= ?"])
    return [_each(reader, f"{_RUNS} where {where} {_ORDER}", [*bound, one, which.after]) for one in which.outcomes]


def _each(reader: ReadOnly, sql: str, parameters: Sequence[str]) -> Iterator[_Found]:
    for started, rowid, *values in reader.each(sql, parameters):
        yield started, rowid, RunRow.from_row(values)


def _failed_so(reader: ReadOnly, refs: Sequence[ClientRef], which: Filter) -> list[ClientRef]:
    """Those who have any such failure."""
    sql = "select distinct master, client from runs where failure_code = ? and started >= ?"
    found = {(master, client) for master, client in reader.each(sql, (which.code, which.after))}
    return [ref for ref in refs if (ref.master, ref.client) in found]


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
