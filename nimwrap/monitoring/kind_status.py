"""Clients of which more or other than mksysb images are made: the worst of their kinds speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nimwrap.history.sqlite.queries import Reader

Row = dict[str, Any]
_PLAIN = ("mksysb",)
_BAD = ("failed", "refused", "locked")


def with_all_kinds(reader: Reader, rows: list[Row], kinds_of: Callable[[tuple[str, str]], Sequence[str]]) -> list[Row]:
    """``fleet_status`` rows, of which those with other kinds tell of the kind that is missing, else of the oldest."""
    for row in rows:
        kinds = tuple(kinds_of((row["master"], row["client"])))
        if kinds != _PLAIN:
            row.update(_image(reader, row, kinds), **_run(reader, row, kinds))
    return rows


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
    if bad is None:
        return {}
    return {
        "last_run": bad["id"],
        "last_outcome": bad["outcome"],
        "last_started": bad["started"],
        "last_ended": bad["ended"],
        **{name: bad[name] for name in ("failure_code", "failure_message", "failure_fix")},
    }
