"""Schedules that are due, and what became of their slots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nimwrap.estate import Estate
from nimwrap.history.model import SlotRow
from nimwrap.history.sqlite.queries import Reader


def ago(minutes: int) -> str:
    """The daily cron expression, in UTC, of some minutes before now."""
    then = datetime.now(UTC) - timedelta(minutes=minutes)
    return f"{then.minute} {then.hour} * * *"


def slots(estate: Estate) -> dict[str, SlotRow]:
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        return {row.client: row for row in reader.slots()}
