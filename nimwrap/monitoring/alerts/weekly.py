"""The weekly digest: how things stand, told also where all is well, once in each week from Monday 08:00 on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.domain.durations import format_duration, parse_rfc3339
from nimwrap.domain.local_time import local_text
from nimwrap.domain.verdict import Verdict, texts
from nimwrap.monitoring.alerts.alert_states import Item
from nimwrap.monitoring.alerts.delivery_log import SENDING
from nimwrap.monitoring.alerts.digest import DigestMessage, closing, composed, subject_of

if TYPE_CHECKING:
    from nimwrap.history.event_row import EventRow
    from nimwrap.history.ports import History, Queries
    from nimwrap.monitoring.protection import ClientView, Protection

KIND = "digest"
WEEK = timedelta(days=7)
_HOUR = 8


def begin_of_week(now: datetime) -> datetime:
    """The last Monday 08:00 on this machine's clock."""
    local = now.astimezone()
    monday = (local - timedelta(days=local.weekday())).replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    return monday if monday <= local else monday - WEEK


def claim_week(store: History, memory: str, now: datetime) -> int | None:
    """Record that this week's digest is being sent; None where it was, or where another nimwrap is sending it."""
    begin = begin_of_week(now)

    def due(told: Sequence[EventRow]) -> tuple[str, object] | None:
        for event in told:
            at = parse_rfc3339(event.at)
            if (event.data["delivered"] and at >= begin) or (not event.data["delivered"] and now - at < SENDING):
                return None
        return "weekly digest", {"delivered": False}

    return store.event_after(f"{KIND}{memory}", 10, due, at=now)


def week_sent(store: History, row: int) -> None:
    """The digest of a row has reached somebody."""
    store.update_event(row, {"delivered": True})


def weekly_digest(found: Protection, reader: Queries, site: str, now: datetime) -> DigestMessage:
    """The message: the verdict, what the week brought, who is not fine and who is held."""
    total = len(found.clients)
    safe = sum(not view.judged.overdue and not view.judged.never_backed_up for view in found.clients)
    about = f"weekly digest, {safe} of {total} clients protected"
    bad = [_item(found, view) for view in found.bad if view.hold is None]
    held = [Item(found.named[view.ref], view.hold.reason) for view in found.clients if view.hold]
    faults = [Item("site", fault.text) for fault in found.faults]
    parts = [("Not fine", bad), ("Held", held), ("Of the site itself", faults)]
    lead = [found.sentence, _week(reader, now), *_oldest(found)]
    made = composed(subject_of(found, about, site), lead, parts, found.verdict)
    return closing(made, urgent=found.verdict is not Verdict.OK)


def _item(found: Protection, view: ClientView) -> Item:
    return Item(found.named[view.ref], texts(view.judged.reasons), view.advice)


def _week(reader: Queries, now: datetime) -> str:
    """What the site's runs of seven days came to."""
    (outcomes,) = reader.outcomes_in([(now - WEEK, now)])
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()) if count)
    return f"Runs of the 7 days before {local_text(now)}: {counted or 'none'}."


def _oldest(found: Protection) -> list[str]:
    aged = [view for view in found.clients if view.age_s is not None and not view.excluded]
    if not aged:
        return []
    oldest = max(aged, key=lambda view: view.age_s or 0)
    return [
        f"The oldest last good image is that of {found.named[oldest.ref]}, {format_duration(oldest.age_s or 0)} old."
    ]
