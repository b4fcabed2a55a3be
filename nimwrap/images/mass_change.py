"""Many images gone or changed at once: nobody knows why yet, so nothing more is removed until a person has looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.history.model import ImageRow
from nimwrap.history.ports import History, Queries
from nimwrap.images.image_fault import SEEN

MANY = 3
"""So many images of one master, lost or changed by others, within one day are too many to be chance."""
_AT_ONCE = timedelta(days=1)


def stop_after_mass_change(
    store: History, queries: Queries, master: str, rows: Sequence[ImageRow], now: datetime
) -> None:
    """Stop removals on this master when many of its ``rows`` were found gone or changed since somebody last looked."""
    before = queries.removal_stop(master)
    if before is not None and before.resumed is None:
        return
    since = now - _AT_ONCE
    if before is not None and before.resumed is not None:
        since = max(since, parse_rfc3339(before.resumed))
    found = [row for row in rows if row.fault_level == SEEN and row.fault_at and parse_rfc3339(row.fault_at) > since]
    if len(found) >= MANY:
        names = ", ".join(row.location for row in found[:3])
        more = ", ..." if len(found) > 3 else ""
        store.stop_removals(master, f"{len(found)} images are gone or changed: {names}{more}", now)


def why_stopped(queries: Queries, master: str) -> str | None:
    """Why nothing may be removed on this master now; None when nothing stands against it."""
    stop = queries.removal_stop(master)
    if stop is None or stop.resumed is not None:
        return None
    return (
        f"removals are stopped since {stop.since} ({stop.why}); see what happened, then nimwrap images prune --resume"
    )
