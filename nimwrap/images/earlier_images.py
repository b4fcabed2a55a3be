"""What a client's earlier good images were like, for the comparison of a new one."""

from __future__ import annotations

from dataclasses import dataclass

from nimwrap.domain.ref import ClientRef
from nimwrap.history.ports import Queries
from nimwrap.images.prune import series, series_of


@dataclass(frozen=True)
class Earlier:
    """Bytes and file counts of the last proven images, newest first; also of those that are gone."""

    sizes: tuple[int, ...] = ()
    file_counts: tuple[int, ...] = ()


def earlier(queries: Queries, master: str, client: str, kind: str, *, resource: str | None, run: str) -> Earlier:
    """The earlier images of the series that ``resource`` belongs to, without those of ``run`` itself.

    Nothing while the history cannot be read: an image without a past is read to its end instead.
    """
    from nimwrap.history.history_errors import StoreUnavailable

    own = series(ClientRef(master, client), kind, resource or "")
    try:
        rows = [
            row
            for row in queries.images(master, client, kind=kind, removed=True)
            if row.verified and row.run != run and series_of(row) == own
        ]
    except StoreUnavailable:
        return Earlier()
    return Earlier(
        tuple(row.size_bytes for row in rows[:10]),
        tuple(row.file_count for row in rows[:10] if row.file_count),
    )
