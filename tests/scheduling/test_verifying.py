"""``verify_full_every`` runs by itself: oldest first, bounded, never beside a backup, and not twice within the hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.clock import Clock
from nimwrap.fleet.session import Session
from nimwrap.history.model import ImageRow
from nimwrap.history.run_lease import RunLease
from nimwrap.hosts.connect import open_master
from nimwrap.scheduling.daemon import Daemon
from nimwrap.scheduling.full_verification import BEGIN_WITHIN_S, verify_due
from nimwrap.scheduling.runtime import Dependencies
from tests.images.imagelab import NOW, Lab
from tests.running import Cli
from tests.scheduling.daemon_scene import NOON, Scene, turn, until


@dataclass
class Stepping(Clock):
    """Stands at ``moment``; every look at the steady clock takes ``step`` seconds."""

    moment: datetime = NOW
    step: float = 0.0
    steady: float = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        self.steady += self.step
        return self.steady


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path, backup={"verify_full_every": "30d"})
    yield made
    made.close()


@pytest.fixture
def session(lab: Lab) -> Session:
    return Session(lab.config, lab.store, lab.reader, {"nim": lab.host}, Stepping())


def clock(session: Session) -> Stepping:
    assert isinstance(session.clock, Stepping)
    return session.clock


def fully(lab: Lab, *rows: ImageRow) -> list[str | None]:
    return [lab.row(row.id).verified_full_at for row in rows]


def test_what_is_due_is_read_and_only_that(lab: Lab, session: Session) -> None:
    old, young = lab.make("aix01", days=31), lab.make("aix02", days=29)
    assert verify_due(session, None) == ["nim: 1 image read to the end"]
    first, second = fully(lab, old, young)
    assert first is not None
    assert first[:10] == f"{NOW:%Y-%m-%d}"
    assert second is None


def test_a_fault_is_told_and_the_image_counts_no_longer(lab: Lab, session: Session) -> None:
    row = lab.make("aix01", days=31)
    with lab.disk(row.location).open("r+b") as file:
        file.seek(row.size_bytes // 2)
        file.write(b"\xff\x00flipped")
    (read, told) = verify_due(session, None)
    assert read == "nim: 1 image read to the end"
    assert "image_unreadable (full)" in told
    assert session.reader.last_good("nim", "aix01") is None


def test_the_oldest_goes_first_and_time_is_bounded(lab: Lab, session: Session) -> None:
    rows = [lab.make("aix01", days=days) for days in (33, 35, 31)]
    clock(session).step = BEGIN_WITHIN_S * 0.6
    assert verify_due(session, None) == ["nim: 1 image read to the end, 2 more due"]
    assert [text is not None for text in fully(lab, *rows)] == [False, True, False]


def test_a_turn_comes_once_an_hour(lab: Lab, session: Session) -> None:
    rows = [lab.make("aix01", days=days) for days in (33, 35)]
    clock(session).step = BEGIN_WITHIN_S * 0.6
    assert len(verify_due(session, None)) == 1
    clock(session).moment = NOW + timedelta(minutes=59)
    assert verify_due(session, None) == []
    clock(session).moment = NOW + timedelta(minutes=61)
    assert verify_due(session, None) == ["nim: 1 image read to the end"]
    assert None not in fully(lab, *rows)


def test_not_beside_a_backup_in_the_same_directory(lab: Lab, session: Session) -> None:
    busy, free = lab.make("aix01", days=33), lab.make("aix02", days=31)
    lock = lab.disk("/var/adm/nimwrap/locks/aix01")
    lock.mkdir(parents=True)
    assert verify_due(session, None) == ["nim: 1 image read to the end, 1 more due"]
    assert fully(lab, busy)[0] is None
    assert fully(lab, free)[0] is not None


def test_nothing_is_begun_when_a_slot_is_near_or_work_has_come(lab: Lab, session: Session) -> None:
    row = lab.make("aix01", days=33)
    assert verify_due(session, NOW + timedelta(minutes=29)) == []
    assert verify_due(session, None, lambda: False) == []
    with RunLease(lab.config.state_dir, "verify-nim"):
        assert verify_due(session, None) == []
    assert fully(lab, row) == [None]
    assert verify_due(session, NOW + timedelta(hours=1)) != []


def test_an_image_that_takes_too_long_goes_behind_the_others(lab: Lab, session: Session) -> None:
    slow, other = lab.make("aix01", days=40), lab.make("aix02", days=31)
    lab.store.event(
        "verification", "0 images read", master="nim", data={"left": [slow.id]}, at=NOW - timedelta(hours=2)
    )
    clock(session).step = BEGIN_WITHIN_S * 0.6
    verify_due(session, None)
    assert fully(lab, slow)[0] is None
    assert fully(lab, other)[0] is not None


def test_zero_means_never(lab: Lab, session: Session) -> None:
    lab.make("aix01", days=400)
    lab.configure(backup={"verify_full_every": "0s"})
    assert verify_due(replace(session, config=lab.config), None) == []


def test_a_master_that_does_not_answer_is_said_and_nothing_is_raised(lab: Lab, session: Session) -> None:
    lab.make("aix01", days=40)
    gone = replace(lab.config.masters["nim"], shell="/nonexistent/ksh")  # noqa: S604 -- a key of the configuration
    (said,) = verify_due(replace(session, hosts={"nim": open_master(gone)}), None)
    assert said.startswith("nim: images are not verified: ")


def test_schedule_due_does_it_when_nothing_is_due(lab: Lab, run_cli: Cli) -> None:
    row = lab.make("aix01", days=40)
    ran = run_cli("schedule", "due", config=lab.file)
    assert ran.exit_code == 0, ran
    assert "nim: 1 image read to the end" in ran.stderr
    assert fully(lab, row)[0] is not None


def test_the_daemon_does_it_once_an_hour_while_idle(tmp_path: Path) -> None:
    scene = Scene(Config(state_dir=tmp_path / "state", masters={"nim": MasterConfig("nim", transport="local")}))
    turns: list[Any] = []

    def verify(session: Session, coming: datetime | None, wanted: Callable[[], bool]) -> list[str]:
        turns.append((session.clock.now(), coming, wanted()))
        return ["nim: 1 image read to the end"]

    outside = Dependencies(scene.fleet, scene.recover, scene.refresh, verify, clock=lambda: scene.clock)
    daemon = Daemon(scene.load, scene.ears, 30.0, outside)
    scene.clock.moment = NOON + timedelta(minutes=40)
    daemon.start()
    until(daemon, lambda: turns)
    assert turns == [(NOON + timedelta(minutes=40), NOON + timedelta(hours=1), True)]
    scene.clock.moment = NOON + timedelta(hours=1)
    until(daemon, lambda: scene.orders)
    scene.clock.moment = NOON + timedelta(hours=1, minutes=45)
    turn(daemon)
    assert len(turns) == 1, "a batch is at work"
    scene.may_end.set()
    until(daemon, lambda: not daemon.running)
    scene.clock.moment = NOON + timedelta(hours=1, minutes=47)
    until(daemon, lambda: len(turns) == 2)
