"""Clients of which more or other than mksysb images are made: the worst of their kinds speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from nimwrap.clients.known_clients import backs_itself_up
from nimwrap.config.model import Config
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import MASTER, Key
from nimwrap.history.model import FleetRow, LastGoodRow, RunRow
from nimwrap.history.ports import Queries

_PLAIN = (PLAIN_KIND,)
_BAD = ("failed", "refused", "locked")


def with_all_kinds(
    reader: Queries, rows: Sequence[FleetRow], kinds_of: Callable[[Key], Sequence[str]]
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


def with_masters_themselves(config: Config, reader: Queries, rows: Sequence[FleetRow]) -> list[FleetRow]:
    """``fleet_status`` rows with one for every master that backs itself up, also before its inventory says so."""
    own = [master for master in config.masters if backs_itself_up(config, master)]
    listed = {row.master for row in rows if row.type == MASTER and not row.vanished}
    kept = [row for row in rows if row.type != MASTER or (row.master in own and not row.vanished)]
    missing = [(master, MASTER) for master in own if master not in listed]
    runs = reader.last_runs_of(missing, 1)
    coming = [FleetRow(*key, type=MASTER) for key in missing]  # as the next inventory will bring it
    return [*kept, *(_told_by(row, runs[row.key][0]) if row.key in runs else row for row in coming)]


def _with_oldest_good(row: FleetRow, goods: Iterable[tuple[str, LastGoodRow | None]]) -> FleetRow:
    """The row with the last good image of the kind that is missing, else of the oldest."""
    kind, good = min(goods, key=lambda pair: pair[1].created if pair[1] else "")
    return row._replace(
        kind="" if kind == PLAIN_KIND else kind,
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
    return _told_by(row, bad) if bad else row


def _told_by(row: FleetRow, run: RunRow) -> FleetRow:
    return row._replace(
        last_run=run.id,
        last_outcome=run.outcome,
        last_started=run.started,
        last_ended=run.ended,
        failure_code=run.failure_code,
        failure_message=run.failure_message,
        failure_fix=run.failure_fix,
    )
