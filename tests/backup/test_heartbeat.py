"""A lock that is held stays fresh through long silent work, so that nobody takes it over meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.recovery import recover
from nimwrap.config.load import load
from nimwrap.domain.clock import Clock, Interrupted
from nimwrap.domain.records import ClientRef, Run
from nimwrap.estate import Estate
from nimwrap.fleet.session import open_session
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.locks.client_locks import beating
from nimwrap.master_context import MasterContext
from tests.backup.unreachable import Gone, Hasty
from tests.cutting import LOST, CutHost
from tests.running import ConfigWriter

LIMIT_S = 30
OLD = "20200101000000\n"


class Beat(Clock):
    """Time for the next beat has come whenever :meth:`let_one_through` says so, and never else."""

    def __init__(self) -> None:
        super().__init__()
        self.due, self.waiting, self.dead = Event(), Event(), False

    def wait(self, done: Event, seconds: float) -> bool:
        self.waiting.set()
        while not done.is_set():
            if self.due.wait(0.05):
                self.due.clear()
                return False
        return True

    def let_one_through(self) -> None:
        assert self.waiting.wait(LIMIT_S), "nobody beats"
        self.waiting.clear()
        self.due.set()
        assert self.waiting.wait(LIMIT_S), "the beat never ended"


class LongProof:
    """A host on which reading the image takes so long that the lock has grown old, but for its beats."""

    def __init__(self, host: Host, lock: Path, clock: Beat) -> None:
        self.host, self.lock, self.clock, self.seen = host, lock, clock, list[str]()
        self.name = host.name

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        if "lsmksysb -lf" in script and not self.seen:
            (self.lock / "heartbeat").write_text(OLD)
            self.clock.let_one_through()
            self.seen.append((self.lock / "heartbeat").read_text())
        return self.host.run(script, timeout=timeout)

    def close(self) -> None:
        self.host.close()


def watched(context: MasterContext, estate: Estate, client: str = "powerha2") -> tuple[MasterContext, LongProof]:
    clock = Beat()
    host = LongProof(context.host, estate.files("nim") / f"var/adm/nimwrap/locks/{client}", clock)
    return replace(context, host=host, clock=clock), host


def test_during_a_long_proof(estate: Estate, estate_config: ConfigWriter) -> None:
    with open_session(load(estate_config())) as session:
        context, host = watched(session.master_context("nim"), estate)
        ended = BackupRun(context, BackupRequest(ClientRef("nim", "powerha2"))).step()
        assert isinstance(ended, Run) and ended.outcome == "ok"
    assert host.seen and host.seen[0] > OLD
    assert not host.lock.exists()
    assert not [thread for thread in threading.enumerate() if "heartbeat" in thread.name]


def test_while_recover_proves_what_a_crash_left(estate: Estate, estate_config: ConfigWriter) -> None:
    with open_session(load(estate_config())) as session:
        cut = replace(session.master_context("nim"), host=Gone(session.hosts["nim"], "lsmksysb -lf"), clock=Hasty())
        backup = BackupRun(cut, BackupRequest(ClientRef("nim", "powerha2")))
        with pytest.raises(Interrupted):
            backup.step()
        context, host = watched(session.master_context("nim"), estate)
        assert recover(context, session.reader, wait=True).closed == [backup.run.id]
        assert session.reader.run(backup.run.id).outcome == "ok"
    assert host.seen and host.seen[0] > OLD


def test_a_crashed_run_whose_client_another_one_holds_is_left_until_that_has_ended(
    estate: Estate, estate_config: ConfigWriter
) -> None:
    """Cleaning up after the one would reset the client under the other."""
    lock = estate.files("nim") / "var/adm/nimwrap/locks/powerha2"
    with open_session(load(estate_config())) as session:
        cut = replace(session.master_context("nim"), host=Gone(session.hosts["nim"], "lsmksysb -lf"), clock=Hasty())
        backup = BackupRun(cut, BackupRequest(ClientRef("nim", "powerha2")))
        with pytest.raises(Interrupted):
            backup.step()
        (lock / "run").write_text("20261123T000000-powerha2-beef\n")
        done = recover(session.master_context("nim"), session.reader, wait=True)
        assert done.closed == [] and "beef" in done.notes[0]
        assert session.reader.run(backup.run.id).outcome == "running"
        (lock / "run").unlink()
        lock.joinpath("heartbeat").write_text(OLD)
        assert recover(session.master_context("nim"), session.reader, wait=True).closed == [backup.run.id]


@pytest.mark.parametrize(("holder", "fresh"), [("this-run", True), ("another-run", False)])
def test_only_its_own_locks_are_kept_fresh(
    estate: Estate, estate_config: ConfigWriter, holder: str, fresh: bool
) -> None:
    locks = [estate.files("nim") / f"var/adm/nimwrap/locks/{name}" for name in ("powerha2", "cluster.app")]
    for lock in locks:
        lock.mkdir(parents=True)
        (lock / "run").write_text(f"{holder}\n")
        (lock / "heartbeat").write_text(OLD)
    with open_session(load(estate_config())) as session:
        clock = Beat()
        with beating(replace(session.master_context("nim"), clock=clock), "powerha2", "this-run"):
            clock.let_one_through()
    assert [(lock / "heartbeat").read_text() > OLD for lock in locks] == [fresh, fresh]


def test_beats_have_a_way_to_the_master_of_their_own(estate: Estate, estate_config: ConfigWriter) -> None:
    """A9: four proofs at once used all connections, and no heartbeat got through for as long as they took."""
    with open_session(load(estate_config())) as session:
        assert session.beats["nim"] is not session.hosts["nim"]
        clock = Beat()
        lock = estate.files("nim") / "var/adm/nimwrap/locks/powerha2"
        lock.mkdir(parents=True)
        (lock / "run").write_text("20261123T000000-powerha2-beef\n")
        full = CutHost(session.hosts["nim"], lambda script, run: LOST)  # nothing gets through here
        context = replace(session.master_context("nim"), host=full, clock=clock)
        with beating(context, "powerha2", "20261123T000000-powerha2-beef"):
            clock.let_one_through()
        assert (lock / "heartbeat").read_text() > OLD


def test_a_run_that_has_lost_its_lock_changes_nothing_more(estate: Estate, estate_config: ConfigWriter) -> None:
    """Its image is made; before that is put in its place another nimwrap has taken the client over."""
    with open_session(load(estate_config())) as session:
        lock = estate.files("nim") / "var/adm/nimwrap/locks/powerha2"

        def take(script: str, run: Callable[[], CommandResult]) -> None:
            if "lsmksysb -lf" in script:
                (lock / "run").write_text("20261123T000000-powerha2-beef\n")

        host = CutHost(session.hosts["nim"], take)
        backup = BackupRun(
            replace(session.master_context("nim"), host=host), BackupRequest(ClientRef("nim", "powerha2"))
        )
        with pytest.raises(Interrupted):
            backup.step()
        assert (lock / "run").read_text() == "20261123T000000-powerha2-beef\n"
        assert session.reader.run(backup.run.id).outcome == "running"
        (lock / "run").write_text(f"{backup.run.id}\n")
        assert recover(session.master_context("nim"), session.reader, wait=True).closed == [backup.run.id]
        assert session.reader.run(backup.run.id).outcome == "ok"
