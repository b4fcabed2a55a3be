"""The daemon one turn at a time: nothing here waits for a clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import ClientRef, Run
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.scheduling.model import Schedule
from tests.interrupting import survives
from tests.scheduling.daemon_scene import NOON, Scene, SetClock, turn, until


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(Config(state_dir=tmp_path / "state", masters={"nim": MasterConfig("nim", transport="local")}))
    yield scene
    scene.may_end.set()


def test_a_slot_begins_at_its_time_and_not_before(scene: Scene) -> None:
    daemon = scene.daemon()
    assert scene.ears.heard[0] == "ready idle; next slot 2026-11-23T13:00:00+00:00"
    until(daemon, lambda: scene.orders)  # the slot of noon itself
    scene.may_end.set()
    until(daemon, lambda: not daemon.running)
    scene.clock.moment = NOON + timedelta(minutes=59, seconds=59)
    turn(daemon)
    assert len(scene.orders) == 1
    scene.clock.moment = NOON + timedelta(hours=1)
    until(daemon, lambda: len(scene.orders) == 2)
    until(daemon, lambda: not daemon.running)
    assert scene.orders[1].refs == (ClientRef("nim", "aix01"),)
    assert scene.slots() == [("12:00", "done", None), ("13:00", "done", None)]
    assert "status at work: hourly (1); next slot 2026-11-23T14:00:00+00:00" in scene.ears.heard


def test_a_signal_inside_the_waiting_itself_stops_nothing(scene: Scene) -> None:
    daemon = scene.daemon()
    until(daemon, lambda: scene.orders)
    turn(daemon)  # nothing is left to do but to wait
    assert survives(daemon.turn, daemon.wake)


def test_a_slot_begins_although_the_one_before_still_runs(scene: Scene) -> None:
    daemon = scene.daemon()
    until(daemon, lambda: scene.orders)
    scene.clock.moment = NOON + timedelta(hours=1)
    until(daemon, lambda: len(scene.orders) == 2)
    assert daemon.running == 2


def test_a_clock_that_is_set_back_doubles_nothing(scene: Scene) -> None:
    scene.may_end.set()
    daemon = scene.daemon()
    for hours in range(4):
        scene.clock.moment = NOON + timedelta(hours=hours)
        until(daemon, lambda: len(scene.slots()) == hours + 1 and not daemon.running)  # noqa: B023  used at once
    for hours in (0, 3, 1, 2, 3):
        scene.clock.moment = NOON + timedelta(hours=hours)
        turn(daemon)
    assert len(scene.orders) == 4


def test_what_was_due_while_it_was_down_is_late_or_missed(scene: Scene) -> None:
    scene.may_end.set()
    until(daemon := scene.daemon(), lambda: scene.slots() == [("12:00", "done", None)])
    daemon.stop_asked = 15
    assert daemon.run() == 0
    scene.clock = SetClock()
    scene.clock.moment = NOON + timedelta(hours=3, minutes=20)
    until(daemon := scene.daemon(), lambda: len(scene.slots()) == 4)
    until(daemon, lambda: not daemon.running)
    slots = {slot: (state, reason) for slot, state, reason in scene.slots()}
    assert slots["15:00"] == ("done", "begun 20m 00s late")
    assert slots["13:00"][0] == slots["14:00"][0] == "missed"
    assert "stands for it" in (slots["13:00"][1] or "")


def test_a_broken_configuration_is_refused_and_the_old_one_stays(scene: Scene) -> None:
    scene.may_end.set()
    daemon = scene.daemon()
    scene.fault = NimwrapError("nimwrap.toml:3: unknown key", "config_invalid")
    daemon.reload_asked = True
    turn(daemon)
    at = scene.ears.heard.index("reloading")
    assert scene.ears.heard[at + 1].startswith("ready")
    assert "configuration refused, the old one stays: nimwrap.toml:3: unknown key" in scene.ears.heard[at + 1]
    scene.clock.moment = NOON + timedelta(hours=1)
    until(daemon, lambda: len(scene.orders) == 2)
    until(daemon, lambda: not daemon.running)
    scene.fault = None
    scene.schedules = {"late": Schedule("late", "30 13 * * *", "UTC", ("*",))}
    daemon.reload_asked = True
    turn(daemon)
    assert scene.ears.heard[-1] == "ready idle; next slot 2026-11-23T13:30:00+00:00"
    with Reader.open(scene.config.database) as reader:
        kinds = [text.partition(":")[0] for (text,) in reader.each("select text from events where kind = 'serve'")]
    assert kinds == ["started", "reload refused", "reloaded"]


def test_another_state_dir_is_refused_while_it_runs(scene: Scene, tmp_path: Path) -> None:
    daemon = scene.daemon()
    before = scene.config
    scene.config = replace(before, state_dir=tmp_path / "elsewhere")
    daemon.reload_asked = True
    turn(daemon)
    assert "another state_dir needs a new start" in scene.ears.heard[-1]
    assert daemon.place.config is before


def test_a_run_of_its_own_that_stayed_open_is_taken_up_before_the_next_start(scene: Scene) -> None:
    daemon = scene.daemon()
    until(daemon, lambda: scene.adopted)
    scene.adopted.clear()
    with Store.open(scene.config.database) as store:
        store.begin_run(Run("20261123T120001-aix01-4f2a", "aix01", "nim", NOON))
    daemon.place.take_up_left(NOON + timedelta(minutes=1))
    assert not scene.adopted, "not every minute"
    daemon.place.take_up_left(NOON + timedelta(minutes=11))
    until(daemon, lambda: scene.adopted == ["nim"])


def test_a_history_that_cannot_be_read_does_not_end_the_daemon(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """B8: nobody caught it when open runs were looked for, and serve died of a database locked for a moment."""
    daemon = scene.daemon()
    until(daemon, lambda: scene.adopted)

    def locked() -> None:
        raise NimwrapError("the history is locked", "history_locked")

    monkeypatch.setattr(daemon.place.session.reader, "open_runs", locked)
    daemon.place.take_up_left(NOON + timedelta(minutes=11))
    assert any("the history is locked" in text for text in daemon.place.said)


def test_a_reload_leaves_running_batches_alone(scene: Scene) -> None:
    daemon = scene.daemon()
    until(daemon, lambda: scene.orders)
    old = daemon.place
    daemon.reload_asked = True
    turn(daemon)
    assert daemon.place is not old
    assert daemon.running == 1
    assert scene.ears.heard[-1].startswith("ready at work: hourly (1)")
    scene.may_end.set()
    until(daemon, lambda: not daemon.running)
    assert scene.slots() == [("12:00", "done", None)]


def test_told_to_end_it_lets_running_images_finish_within_the_deadline(scene: Scene) -> None:
    daemon = scene.daemon(drain_s=60)
    until(daemon, lambda: scene.orders)
    daemon.stop_asked = 15
    daemon.turn()
    assert daemon.place.session.clock.draining.is_set()
    assert scene.ears.heard[-1] == "stopping ending; 1 at work"
    scene.clock.moment = NOON + timedelta(hours=1)
    daemon.turn()
    assert len(scene.orders) == 1, "nothing new begins while it ends"
    scene.may_end.set()
    assert daemon.run() == 0
    assert scene.slots() == [("12:00", "done", None)]


def test_after_the_deadline_it_lets_go_and_the_next_one_takes_the_clients_again(scene: Scene) -> None:
    daemon = scene.daemon(drain_s=0)
    until(daemon, lambda: scene.orders)
    daemon.stop_asked = 15
    assert daemon.run() == 1
    assert scene.slots() == [("12:00", "claimed", None)]
    daemon.place.close()  # what the end of the process does
    scene.clock = SetClock()
    scene.may_end.set()
    again = scene.daemon()
    until(again, lambda: scene.slots() == [("12:00", "done", None)])


def test_a_fleet_run_that_breaks_is_a_row_for_each_client(scene: Scene) -> None:
    scene.may_end.set()
    scene.breaks = RuntimeError("no such thing")
    daemon = scene.daemon()
    until(daemon, lambda: scene.orders and not daemon.running)
    ((_, state, reason),) = scene.slots()
    assert state == "failed"
    assert "no such thing" in (reason or "")


def test_the_start_adopts_what_an_earlier_process_left(scene: Scene) -> None:
    daemon = scene.daemon()
    until(daemon, lambda: scene.adopted == ["nim"])


def test_the_watchdog_hears_the_loop_itself(scene: Scene) -> None:
    scene.ears.watchdog_s = 0.003
    daemon = scene.daemon()
    before = scene.ears.heard.count("watchdog")
    for _ in range(5):
        threading.Event().wait(0.002)
        turn(daemon, 1)
    assert scene.ears.heard.count("watchdog") >= before + 5
