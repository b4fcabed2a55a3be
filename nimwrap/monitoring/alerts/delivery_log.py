"""What was told, as ``notified`` rows of the history: recorded first, told second.

A row counts when its message was delivered. One that was not (a crash, no network) is told again with the next fleet
run; while it is young another nimwrap may still be sending it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.history.sqlite.codec import columns
from nimwrap.monitoring.alerts.alert_states import States

if TYPE_CHECKING:
    from nimwrap.history.sqlite.store import Store

KIND = "notified"
_SENDING = timedelta(minutes=5)
_LOOK_BACK = 50

Decide = Callable[[States], tuple[str, bool]]
"""From what was told before to the text of a new row, and whether anything is to be sent; an empty text: no row."""


@dataclass(frozen=True)
class Noted:
    """The new row, and whether a message is to be sent for it."""

    row: int
    send: bool


def note(store: Store, states: States, decide: Decide, now: datetime) -> Noted | None:
    """Record ``states`` as told, in one transaction with the look at what was told before; None: nothing has changed.

    So of two fleet runs that end at the same instant one tells the news. StoreUnavailable when it cannot be written.
    """
    with store.writing(KIND) as database:
        before = _told(database.conn, now)
        text, send = decide(before)
        if states == before:
            return None
        data = {"states": states, "delivered": not send}
        values = columns({"at": rfc3339(now), "kind": KIND, "text": text, "data": data})
        database.table("events").insert(values)
        row = int(database.conn.execute("select last_insert_rowid()").fetchone()[0])
    return Noted(row, send)


def delivered(store: Store, noted: Noted, states: States) -> None:
    """The message of a row has reached somebody."""
    data = json.dumps({"states": states, "delivered": True})
    with store.writing("notified_delivered", hurried=True) as database:
        database.conn.execute("update events set data = ? where id = ?", (data, noted.row))


def _told(connection: Any, now: datetime) -> States:
    """The states as they were last told, or are being told."""
    sql = "select at, data from events where kind = ? order by at desc, id desc limit ?"
    for at, data in connection.execute(sql, (KIND, _LOOK_BACK)):
        known = json.loads(data)
        if known["delivered"] or now - parse_rfc3339(at) < _SENDING:
            return {subject: _states(kinds) for subject, kinds in known["states"].items()}
    return {}


def _states(kinds: dict[str, str | list[str]]) -> dict[str, list[str]]:
    """Rows of before the codes have one text for each kind, which is no identity that anything has now."""
    return {kind: [about] if isinstance(about, str) else about for kind, about in kinds.items()}
