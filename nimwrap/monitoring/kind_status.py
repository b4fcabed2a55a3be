"""Clients of which more or other than mksysb images are made: the worst of their kinds speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nimwrap.clients.known_clients import backs_itself_up
from nimwrap.config.model import Config
from nimwrap.domain.ref import MASTER
from nimwrap.history.sqlite.queries import Reader

Row = dict[str, Any]
_PLAIN = ("mksysb",)
_BAD = ("failed", "refused", "locked")
_FAILURE = ("failure_code", "failure_message", "failure_fix")
_IMAGE = ("resource", "location", "size_bytes")
FLEET_COLUMNS = (
    *("master", "client", "type", "cluster", "vanished", "last_good", "last_good_image", "last_good_run", *_IMAGE),
    *("last_good_outcome", "last_run", "last_outcome", *_FAILURE, "last_started", "last_ended", "hold", "hold_until"),
)
"""Of the view ``fleet_status``."""


def with_all_kinds(reader: Reader, rows: list[Row], kinds_of: Callable[[tuple[str, str]], Sequence[str]]) -> list[Row]:
    """``fleet_status`` rows, of which those with other kinds tell of the kind that is missing, else of the oldest."""
    for row in rows:
        kinds = tuple(kinds_of((row["master"], row["client"])))
        if kinds != _PLAIN:
            row.update(_image(reader, row, kinds), **_run(reader, row, kinds))
    return rows


def with_masters_themselves(config: Config, reader: Reader, rows: list[Row]) -> list[Row]:
    """``fleet_status`` rows with one for every master that backs itself up, also before its inventory says so."""
    own = [master for master in config.masters if backs_itself_up(config, master)]
    listed = {row["master"] for row in rows if row["type"] == MASTER and not row["vanished"]}
    kept = [row for row in rows if row["type"] != MASTER or (row["master"] in own and not row["vanished"])]
    return [*kept, *(_of_master(reader, master) for master in own if master not in listed)]


def _of_master(reader: Reader, master: str) -> Row:
    """The row that the next inventory will bring."""
    run = next(iter(reader.last_runs(master, MASTER)), None)
    return dict.fromkeys(FLEET_COLUMNS) | {"master": master, "client": MASTER, "type": MASTER} | _told_by(run)


def _image(reader: Reader, row: Row, kinds: Sequence[str]) -> Row:
    goods = [(kind, reader.last_good(row["master"], row["client"], kind)) for kind in kinds]
    kind, good = min(goods, key=lambda pair: pair[1].created if pair[1] else "")
    return {
        "kind": "" if kind == "mksysb" else kind,
        "last_good": good and good.created,
        "last_good_image": good and good.image,
        "last_good_run": good and good.run,
        "last_good_outcome": good and good.outcome,
        "resource": good and good.resource,
        "location": good and good.location,
        "size_bytes": good and good.size_bytes,
    }


def _run(reader: Reader, row: Row, kinds: Sequence[str]) -> Row:
    """The newest run, unless the newest of another kind ended badly."""
    newest: dict[str, Row] = {}
    for run in reader.last_runs(row["master"], row["client"], 4 * len(kinds)):
        newest.setdefault(run["kind"], run)
    bad = next((run for kind, run in newest.items() if kind in kinds and run["outcome"] in _BAD), None)
    return _told_by(bad)


def _told_by(run: Row | None) -> Row:
    if run is None:
        return {}
    return {
        "last_run": run["id"],
        "last_outcome": run["outcome"],
        "last_started": run["started"],
        "last_ended": run["ended"],
        **{name: run[name] for name in _FAILURE},
    }
