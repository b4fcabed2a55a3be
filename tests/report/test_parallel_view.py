"""The report says what the master wrote, and what one image more or fewer at once would have made of the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from nimwrap.history.sqlite.parallel_memory import WriteRate, remember
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.report.parallel_view import night_rates, rates_chart
from nimwrap.monitoring.report.timeline_chart import Scale

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
SCALE = Scale(NOW - timedelta(hours=2), NOW)


def test_rates_knee_and_what_one_more_or_one_fewer_would_have_made_of_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history.db"
    rates = [
        WriteRate(NOW - timedelta(minutes=60), 300, 4, 40e6, 4, 4, 6, 1.05, 0.8),
        WriteRate(NOW - timedelta(minutes=50), 900, 6, 80e6, 6, 6, 6, 1.0, 0.8),
    ]
    with Store.open(path) as store, Reader.open(path) as reader:
        remember(store, "nim", [], rates, NOW)
        kept = reader.learned_rates("nim", NOW - timedelta(hours=2), NOW)
        assert reader.learned_rates("nim", NOW - timedelta(minutes=5), NOW) == []
    told = night_rates(kept)
    assert night_rates([]) == rates_chart("nim", [], SCALE) == ""
    assert told == (
        "70 MB/s on average and 80 MB/s at most, by 5.5 images at once; the knee was at about 6. With one more at once"
        " the night would have taken 1% less, with one fewer 25% longer."
    )
    drawn = rates_chart("nim", kept, SCALE)
    assert "nim: at most 80 MB/s in all; the knee was at about 6 images at once" in drawn
    assert drawn.count("H") == 6, "two stretches: the rate, how many wrote, and the knee"
