"""What was told, as ``notified`` rows of the history: recorded first, told second.

A row counts when its message was delivered. One that was not (a crash, no network) is told again with the next fleet
run; while it is young another nimwrap may still be sending it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.monitoring.alerts.alert_states import States

if TYPE_CHECKING:
    from nimwrap.history.event_row import EventRow
    from nimwrap.history.ports import History

KIND = "notified"
SENDING = timedelta(minutes=5)
"""So long another nimwrap may still be at it."""
_LOOK_BACK = 50

Decide = Callable[[States], tuple[str, bool]]
"""From what was told before to the text of a new row, and whether anything is to be sent; an empty text: no row."""


@dataclass(frozen=True)
class Noted:
    """The new row, and whether a message is to be sent for it."""

    row: int
    send: bool


def note(store: History, states: States, decide: Decide, now: datetime, memory: str = "") -> Noted | None:
    """Record ``states`` as told, in one transaction with the look at what was told before; None: nothing has changed.

    So of two fleet runs that end at the same instant one tells the news. ``memory``: whose, where several are told.
    StoreUnavailable when it cannot be written.
    """
    send = False

    def news(told: Sequence[EventRow]) -> tuple[str, object] | None:
        nonlocal send
        before = _told(told, now)
        text, send = decide(before)
        return None if states == before else (text, {"states": states, "delivered": not send})

    row = store.event_after(f"{KIND}{memory}", _LOOK_BACK, news, at=now)
    return None if row is None else Noted(row, send)


def delivered(store: History, noted: Noted, states: States) -> None:
    """The message of a row has reached somebody."""
    store.update_event(noted.row, {"states": states, "delivered": True})


def _told(told: Sequence[EventRow], now: datetime) -> States:
    """The states as they were last told, or are being told."""
    for event in told:
        if event.data["delivered"] or now - parse_rfc3339(event.at) < SENDING:
            return {subject: _states(kinds) for subject, kinds in event.data["states"].items()}
    return {}


def _states(kinds: dict[str, str | list[str]]) -> dict[str, list[str]]:
    """Rows of before the codes have one text for each kind, which is no identity that anything has now."""
    return {kind: [about] if isinstance(about, str) else about for kind, about in kinds.items()}
