"""What counts as told: what was delivered, or may still be on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.alerts.alert_states import States
from nimwrap.monitoring.alerts.delivery_log import Noted, delivered, note

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BAD: States = {"nim/aix01": {"failed": ["stalled"]}}


def tell(store: Store, states: States, at: datetime) -> tuple[Noted | None, States | None]:
    """Note ``states``; also what was thought to be told before."""
    before: list[States] = []

    def decide(told: States) -> tuple[str, bool]:
        before.append(told)
        return "something", True

    return note(store, states, decide, at), before[0]


def test_only_what_was_delivered_counts_for_long(tmp_path: Path) -> None:
    with Store.open(tmp_path / "history.db") as store:
        first, before = tell(store, BAD, NOW)
        assert (first is not None, before) == (True, {})
        again, before = tell(store, BAD, NOW + timedelta(minutes=1))
        assert (again, before) == (None, BAD)  # another nimwrap may still be sending it
        later, before = tell(store, BAD, NOW + timedelta(minutes=6))
        assert (later is not None, before) == (True, {})
        assert later is not None
        delivered(store, later, BAD)
        assert tell(store, BAD, NOW + timedelta(days=9)) == (None, BAD)
