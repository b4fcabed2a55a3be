"""How large a client's images are and how long they take, night after night: the last few only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef
from nimwrap.history.sqlite.queries import Reader

Row = dict[str, Any]
POINTS = 20
"""Images that a trend shows."""


@dataclass(frozen=True)
class Trend:
    """Bytes and seconds, oldest first."""

    sizes: tuple[int, ...]
    durations: tuple[int, ...]


def trend_of(reader: Reader, ref: ClientRef, kind: str = PLAIN_KIND) -> Trend:
    """The last proven images of one kind, and the last runs that made one."""
    sql = (
        "select outcome, kind, duration_s from runs where master = ? and client = ?"
        " order by started desc, rowid desc limit ?"
    )
    runs = reader.rows(sql, (ref.master, ref.client, POINTS + 5))
    took = [
        round(run["duration_s"])
        for run in runs
        if run["kind"] == kind and run["outcome"] in ("ok", "warning") and run["duration_s"] is not None
    ]
    sizes = reader.sizes(ref.master, ref.client, kind, POINTS)
    return Trend(tuple(reversed(sizes)), tuple(reversed(took[:POINTS])))
