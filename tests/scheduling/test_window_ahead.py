"""How long a night will take is known days ahead: it may begin as late as it can, and who has no room is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.codes import Outcome
from nimwrap.domain.local_time import local_text
from nimwrap.domain.records import ClientRef, InventoryClient, Run
from nimwrap.fleet.night_forecast import images_at_once, night_forecast
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.scheduling.forecast import coming, too_long, waiting_for_latest, warnings_ahead
from nimwrap.scheduling.model import LATEST, Schedule
from tests.running import Ran

NOW = datetime(2026, 11, 28, 0, 0, tzinfo=UTC)
CLIENTS = [f"aix{number:02}" for number in range(8)]
REFS = [ClientRef("nim", name) for name in CLIENTS]
CONFIG = Config(masters={"nim": MasterConfig("nim", transport="local", max_parallel=2)})
NIGHTLY = Schedule("nightly", "0 1 * * *", "UTC", ("*",), window=6 * 3600)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[tuple[Store, Reader]]:
    """Eight clients, each of which took an hour last night: two at once need four hours."""
    path = tmp_path / "state" / "history.db"
    with Store.open(path) as store, Reader.open(path) as reader:
        store.record_inventory("nim", [InventoryClient(name, "standalone") for name in CLIENTS], NOW)
        for name in CLIENTS:
            began = NOW - timedelta(days=1)
            run = Run(f"20261127T000000-{name}-0000", name, "nim", began, Outcome.OK, ended=began + timedelta(hours=1))
            store.record_run(replace(run))
        yield store, reader


def test_a_night_takes_what_its_clients_took_two_at_once(history: tuple[Store, Reader]) -> None:
    night = night_forecast(CONFIG, history[1], REFS, NOW)
    assert night is not None
    assert (night.seconds, night.at_once) == (4 * 3600, {"nim": 2})


def test_nobody_guesses_for_clients_that_were_never_timed(history: tuple[Store, Reader]) -> None:
    strangers = [ClientRef("nim", f"new{number}") for number in range(4)]
    assert night_forecast(CONFIG, history[1], strangers, NOW) is None


def test_a_master_that_learns_begins_with_what_is_remembered(history: tuple[Store, Reader]) -> None:
    config = Config(masters={"nim": MasterConfig("nim", transport="local", max_parallel="auto")})
    assert images_at_once(config, history[1], NOW) == {"nim": 4}
    night = night_forecast(config, history[1], REFS, NOW)
    assert night is not None and night.seconds == 2 * 3600


def test_the_latest_beginning_ends_inside_the_window_with_a_tenth_to_spare(history: tuple[Store, Reader]) -> None:
    wait_s = waiting_for_latest(CONFIG, history[1])
    assert wait_s(NIGHTLY, REFS, NOW) == 0
    latest = replace(NIGHTLY, begin=LATEST)
    assert wait_s(latest, REFS, NOW) == pytest.approx(6 * 3600 - 1.1 * 4 * 3600)
    assert wait_s(replace(latest, jitter=600), REFS, NOW) == pytest.approx(6 * 3600 - 1.1 * 4 * 3600 - 600)
    assert wait_s(replace(latest, window=3600), REFS, NOW) == 0
    assert wait_s(latest, [ClientRef("nim", "new")], NOW) == 0


def test_a_night_that_no_longer_fits_is_told_once_and_days_ahead(history: tuple[Store, Reader]) -> None:
    short = replace(NIGHTLY, window=3 * 3600)
    slots = list(coming(CONFIG, history[1], {"nightly": short}, NOW, NOW + timedelta(days=3)))
    assert [each.fits for each in slots] == [False] * 3
    assert [text for text, _ in too_long(slots)] == [
        f"nightly: the night of {local_text('2026-11-28T01:00:00Z')} is expected to take 4h 00m; its window is 3h 00m"
    ]
    assert len(warnings_ahead(CONFIG, history[1], {"nightly": short}, NOW)) == 1
    assert warnings_ahead(CONFIG, history[1], {"nightly": NIGHTLY}, NOW) == []


def test_latest_without_a_window_is_a_fault_of_the_file(
    estate_config: Callable[..., Path], run_cli: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "n.toml").write_text('[n]\ncron = "0 1 * * *"\ntargets = ["*"]\nbegin = "latest"\n')
    ran = run_cli("schedule", "validate", "--json", config=estate_config())
    assert ran.exit_code == 78
    assert "needs a window" in ran.stdout
