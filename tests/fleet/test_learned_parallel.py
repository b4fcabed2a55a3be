"""``max_parallel = "auto"`` in a fleet: what polls show is learned from, kept and told, and its limits hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nimwrap.aix.classify import classify
from nimwrap.backup.attempt import is_trouble_of_a_crowd
from nimwrap.config.model import MasterConfig
from nimwrap.domain.clock import Clock
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.fleet.learned_parallel import IDLE_S, LearnedParallel
from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.history.sqlite.parallel_memory import hours_of, rates_of
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.master_context import FixedParallel
from tests.running import Ran

BEGAN = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)  # a Saturday
AUTO = MasterConfig("nim", max_parallel="auto", max_parallel_limit=12)


class Hands(Clock):
    """A clock that the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed


class Night:
    """A master that carries five at once, and one process that works on it."""

    def __init__(self, store: Store, reader: Reader, clock: Hands) -> None:
        self.clock, self.told = clock, list[str]()
        self.learned = LearnedParallel(AUTO, store, reader, clock, self.told.append)
        self.sizes: dict[str, float] = {}
        self.begun = 0

    def work(self, polls: int) -> None:
        for _ in range(polls):
            while len(self.sizes) < self.learned.at_once(AUTO):
                self.begun += 1
                self.sizes[f"run{self.begun}"] = 1.0
            pace = 15e6 * min(1.0, (5 / len(self.sizes)) ** 1.4)
            for run in list(self.sizes):
                self.sizes[run] += pace * 10
            self.clock.passed += 10
            self.learned.saw({run: int(size) for run, size in self.sizes.items()})
            for run in [run for run, size in self.sizes.items() if size > 15e6 * (500 + int(run[3:]) * 137 % 600)]:
                del self.sizes[run]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[tuple[Store, Reader]]:
    path = tmp_path / "state" / "history.db"
    with Store.open(path) as store, Reader.open(path) as reader:
        yield store, reader


def test_the_next_week_begins_where_this_night_ended(history: tuple[Store, Reader]) -> None:
    store, reader = history
    clock = Hands()
    first = Night(store, reader, clock)
    assert first.learned.jobs() == 4
    first.work(350)
    first.learned.keep()
    assert first.told[0] == "begins with 4: nobody has measured this master yet"
    found = hours_of(reader, "nim")
    assert [(hour.weekday, hour.hour) for hour in found] == [(5, 1)]
    assert found[0].rate_bytes_s == pytest.approx(75e6, rel=0.15)
    clock.passed = 7 * 86400
    second = Night(store, reader, clock)
    assert 5 <= second.learned.jobs() <= 6
    assert "as remembered of this hour" in second.told[0]


def test_each_change_is_an_event_with_its_reason(history: tuple[Store, Reader]) -> None:
    store, reader = history
    clock = Hands()
    night = Night(store, reader, clock)
    night.work(200)
    events = reader.noted("parallel", BEGAN - timedelta(hours=1))
    assert [event.text for event in events] == night.told
    assert {event.master for event in events} == {"nim"}
    assert all(" instead of " in text for text in night.told[1:])


def test_what_was_written_is_a_row_for_five_minutes(history: tuple[Store, Reader]) -> None:
    store, reader = history
    night = Night(store, reader, Hands())
    night.work(120)
    rates = rates_of(reader, "nim", BEGAN, BEGAN + timedelta(hours=1))
    assert 3 <= len(rates) <= 4
    assert rates[-1].rate_bytes_s == pytest.approx(75e6, rel=0.2)
    assert rates[-1].one_fewer <= 1.0
    assert sum(rate.seconds for rate in rates) == pytest.approx(1200, abs=320)


def test_a_master_at_rest_begins_anew(history: tuple[Store, Reader]) -> None:
    store, reader = history
    clock = Hands()
    night = Night(store, reader, clock)
    night.work(100)
    clock.passed += IDLE_S + 1
    night.learned.jobs()
    assert night.told[-1].startswith("begins with")


def test_the_room_on_the_file_system_is_a_limit_and_images_being_proven_hold_no_slot(
    history: tuple[Store, Reader],
) -> None:
    store, reader = history
    clock = Hands()
    night = Night(store, reader, clock)
    night.learned.allow(2)
    night.learned.saw({"run1": 0})
    assert night.learned.jobs() == night.learned.at_once(AUTO) == 2
    night.learned.allow(None)
    for run in ("x", "y"):
        night.learned.written(run)
    clock.passed += 10
    night.learned.saw({"run1": 0})
    assert (night.learned.jobs(), night.learned.at_once(AUTO)) == (6, 4)
    night.learned.closed("x")
    clock.passed += 10
    night.learned.saw({"run1": 0})
    assert (night.learned.jobs(), night.learned.at_once(AUTO)) == (5, 4)


def test_a_history_that_cannot_be_written_stops_nothing(
    history: tuple[Store, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, reader = history

    def busy(*_: object, **__: object) -> NoReturn:
        raise StoreUnavailable("the history is busy", code="history_locked", hint="try again")

    monkeypatch.setattr(store, "writing", busy)
    night = Night(store, reader, Hands())
    night.work(60)
    assert night.learned.jobs() >= 4
    assert "not recorded" in night.told[0]


def test_a_fleet_with_auto_makes_every_image_and_show_says_how_many_at_once_and_why(
    estate: Any, estate_config: Callable[..., Path], run_cli: Callable[..., Ran]
) -> None:
    estate.setting(rate=400_000, image_size=300_000)
    config = estate_config(master={"max_parallel": "auto", "max_parallel_limit": 3})
    ran = run_cli("backup", "--all", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    runs = ran.data["runs"]
    assert {run["outcome"] for run in runs} == {"ok"}
    attempts = [(one["started"], one["ended"]) for run in runs for one in run["attempts"]]
    assert max(sum(began <= moment < ended for began, ended in attempts) for moment, _ in attempts) <= 3
    told = run_cli("show", runs[0]["id"], "--json", config=config).data["run"]["parallel"]
    assert [change["text"] for change in told] == ["begins with 3: nobody has measured this master yet"]
    assert "begins with 3" in run_cli("show", runs[0]["id"], config=config).stdout


def test_a_fixed_number_stays_whatever_is_seen() -> None:
    master, fixed = MasterConfig("nim", max_parallel=3), FixedParallel()
    assert not master.learns_parallel
    for _ in range(5):
        fixed.saw({"a": 10**9, "b": 10})
        fixed.trouble()
        fixed.written("a")
        assert fixed.at_once(master) == 3


def test_an_image_that_ends_because_nfs_answers_nobody_is_one_too_many() -> None:
    """What AIX says then, as the classification knows it."""
    said = "NFS3 server nim not responding still trying\n0512-008 mksysb: The image was not created."
    assert is_trouble_of_a_crowd(classify(said, 1))
    assert not is_trouble_of_a_crowd(Failure(FailureCode.SPACE_SHORT, "full")) and not is_trouble_of_a_crowd(None)
