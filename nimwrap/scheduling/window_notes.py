"""Which nights will not fit their windows, kept in the history for all who only read it: status, report, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.history.event_row import EventRow
from nimwrap.history.ports import History, Queries

KIND = "window_short"
AGAIN = timedelta(hours=20)
"""A note that still holds is written anew this often; one older than STALE is nobody's word any more."""
STALE = timedelta(hours=26)


def note_windows(store: History, reader: Queries, short: Mapping[str, str], now: datetime) -> None:
    """Keep what is foretold, by schedule, where it differs from what was noted last, and once a day all the same."""
    noted = _newest(reader, now)
    for name in {*short, *noted}:
        last, text = noted.get(name), short.get(name)
        stands = last is not None and last.data["short"]
        fresh = last is not None and now - parse_rfc3339(last.at) < AGAIN
        if (text is not None) == stands and (fresh or text is None):
            continue
        data = {"schedule": name, "short": text is not None}
        store.event(KIND, text or f"{name}: its nights are expected to fit their window again", data=data, at=now)


def noted_short(reader: Queries, now: datetime) -> dict[str, str]:
    """By schedule, why its night is not expected to fit its window, as it was noted last."""
    return {name: row.text for name, row in _newest(reader, now).items() if row.data["short"]}


def _newest(reader: Queries, now: datetime) -> dict[str, EventRow]:
    return {row.data["schedule"]: row for row in reader.noted(KIND, now - STALE)}
