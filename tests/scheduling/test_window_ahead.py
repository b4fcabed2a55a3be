"""How long a night will take is known days ahead: it may begin as late as it can, and who has no room is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.codes import Outcome
from nimwrap.domain.knee import unknown
from nimwrap.domain.local_time import local_text
from nimwrap.domain.parallelism import Remembered
from nimwrap.domain.records import ClientRef, InventoryClient, Run
from nimwrap.domain.verdict import ReasonCode, Verdict
from nimwrap.fleet.night_forecast import images_at_once, night_forecast
from nimwrap.history.sqlite.parallel_memory import Hour, remember
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.alerts.alert_states import SITE, states_of
from nimwrap.monitoring.protection import protection
from nimwrap.scheduling.forecast import coming, too_long, waiting_for_latest, warnings_ahead
from nimwrap.scheduling.model import LATEST, Schedule
from nimwrap.scheduling.window_notes import KIND, note_windows, noted_short
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


def test_nobody_writes_faster_than_the_master_was_seen_to_write_in_that_hour(history: tuple[Store, Reader]) -> None:
    """The durations alone would say two hours at four at once; 80 GB at 8 MB/s take ten thousand seconds."""
    store, reader = history
    for name in CLIENTS:
        run = f"20261127T000000-{name}-0000"
        store.add_image(
            run=run,
            client=name,
            master="nim",
            resource=f"{name}_1",
            location=f"/export/nim/{name}",
            size_bytes=10**10,
            outcome=Outcome.OK,
            verified=True,
            verified_by=("0512-038",),
            created=NOW - timedelta(days=1),
        )
    config = Config(masters={"nim": MasterConfig("nim", transport="local", max_parallel="auto")})
    hour = Hour(NOW.weekday(), NOW.hour, Remembered(unknown(), 1.0, 9.0), 8e6)
    remember(store, "nim", [hour], [], NOW)
    night = night_forecast(config, reader, REFS, NOW)
    assert night is not None and night.seconds == pytest.approx(10_000)
    later = night_forecast(config, reader, REFS, NOW + timedelta(hours=1))
    assert later is not None and later.seconds < 10_000, "another hour, of which nothing was learned"


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
    assert [text for _, text, _ in too_long(slots)] == [
        f"nightly: the night of {local_text('2026-11-28T01:00:00Z')} is expected to take 4h 00m; its window is 3h 00m"
    ]
    assert len(warnings_ahead(CONFIG, history[1], {"nightly": short}, NOW)) == 1
    assert warnings_ahead(CONFIG, history[1], {"nightly": NIGHTLY}, NOW) == {}


def test_what_is_foretold_is_noted_when_it_changes_and_once_a_day(history: tuple[Store, Reader]) -> None:
    store, reader = history
    for hours, short in ((0, True), (1, True), (21, True), (22, False), (23, False), (24, True)):
        note_windows(store, reader, {"nightly": "too short"} if short else {}, NOW + timedelta(hours=hours))
        assert noted_short(reader, NOW + timedelta(hours=hours)) == ({"nightly": "too short"} if short else {})
    told = [(row.at[11:13], row.data["short"]) for row in reader.noted(KIND, NOW)]
    assert told == [("00", True), ("21", True), ("22", False), ("00", True)]
    assert noted_short(reader, NOW + timedelta(days=3)) == {}, "nobody has looked since"


def test_status_and_the_alerts_tell_of_a_night_that_will_not_fit(history: tuple[Store, Reader], tmp_path: Path) -> None:
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "n.toml").write_text('[nightly]\ncron = "0 1 * * *"\ntargets = ["*"]\nwindow = "3h"\n')
    config = replace(CONFIG, schedules=tmp_path / "schedules")
    note_windows(*history, {"nightly": "the night takes 4h"}, NOW)
    found = protection(config, history[1], NOW)
    (fault,) = [fault for fault in found.faults if fault.code is ReasonCode.WINDOW_SHORT]
    assert (fault.verdict, fault.text, fault.subjects) == (Verdict.WARNING, "the night takes 4h", ("nightly",))
    assert "window_short:nightly" in states_of(found)[SITE]["warning"]


def test_latest_without_a_window_is_a_fault_of_the_file(
    estate_config: Callable[..., Path], run_cli: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "n.toml").write_text('[n]\ncron = "0 1 * * *"\ntargets = ["*"]\nbegin = "latest"\n')
    ran = run_cli("schedule", "validate", "--json", config=estate_config())
    assert ran.exit_code == 78
    assert "needs a window" in ran.stdout
