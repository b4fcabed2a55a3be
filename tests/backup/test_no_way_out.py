"""No exception of any kind leaves a run, its lock or its owner without their end; a passing writer fails nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from nimwrap.aix.text import Unrecognised
from nimwrap.backup import post_backup, recovery
from nimwrap.config.load import load
from nimwrap.domain.records import ClientRef
from nimwrap.estate import Estate
from nimwrap.fleet.fleet_observer import FleetObserver
from nimwrap.fleet.fleet_run import Order, run_fleet
from nimwrap.fleet.session import Session, open_session
from nimwrap.history.run_lease import RunLease, owner_alive
from nimwrap.hosts.protocol import CommandResult
from tests.cutting import CutHost
from tests.running import ConfigWriter

REF = ClientRef("nim", "aix01")


@pytest.fixture
def session(estate: Estate, estate_config: ConfigWriter) -> Iterator[Session]:
    with open_session(load(estate_config())) as opened:
        yield opened


def test_output_nobody_knows_does_not_leave_a_run_open(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A10: lsnim printed one line that its parser does not know, in retention, after a proven image."""

    def confused(*_: object, **__: object) -> None:
        raise Unrecognised("lsnim -l", "a line of another kind")

    monkeypatch.setattr(post_backup, "apply_retention", confused)
    (done,) = run_fleet(session, Order((REF,)), FleetObserver())
    assert (done.outcome, session.reader.run(done.id).outcome) == ("ok", "ok")


def test_a_fault_of_ours_leaves_no_living_owner(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A10: the run was "running" with a living owner until the daemon's restart, and recover passed it by."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("nimwrap.backup.backup_run.apply_name_and_retention", broken)
    (done,) = run_fleet(session, Order((REF,)), FleetObserver())
    assert done.failure and "a bug" in done.failure.message
    assert not owner_alive(session.config.state_dir, done.id)
    monkeypatch.undo()
    assert recovery.recover(session.master_context("nim"), session.reader, wait=True).closed == [done.id]
    assert session.reader.run(done.id).outcome == "ok"


def test_a_run_that_another_recover_is_at_is_passed_by(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """B7: it ended the second recover, with all that it had still to undo and to finish."""
    (done,) = run_fleet(session, Order((REF,)), FleetObserver())
    session.store.update_run(done.id, outcome="running")
    monkeypatch.setattr(recovery, "owner_alive", lambda *_: False)
    with RunLease(session.config.state_dir, done.id):
        assert recovery.recover(session.master_context("nim"), session.reader, wait=True).closed == []
    assert recovery.recover(session.master_context("nim"), session.reader, wait=True).closed == [done.id]


def test_a_run_that_ends_while_recover_looks_at_it_keeps_its_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen before its operation began, it was closed as "nothing was changed" after it had ended with an image."""
    (done,) = run_fleet(session, Order((REF,)), FleetObserver())
    session.store.update_run(done.id, outcome="running")
    attempts, ended = session.reader.attempts, list[str]()

    def end(*_: object) -> bool:
        session.store.update_run(done.id, outcome="ok")
        ended.append(done.id)
        return False

    monkeypatch.setattr(session.reader, "attempts", lambda runs: attempts(runs) if ended else [])
    monkeypatch.setattr(recovery, "owner_alive", end)
    assert recovery.recover(session.master_context("nim"), session.reader, wait=True).closed == []
    row = session.reader.run(done.id)
    assert (row.outcome, row.failure_code) == ("ok", None)


@pytest.mark.parametrize("refused", [True, False])
def test_what_nothing_else_records_waits_for_other_writers(
    estate: Estate, session: Session, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    """B6: another writer's two seconds failed a backup before it began, and made "killed" of a refusal."""
    estate.fault("push_off", refused, "aix01")
    waits: dict[str, bool] = {}
    write = session.store.writing

    def watched(what: str, *, hurried: bool = False) -> AbstractContextManager[Any]:
        waits[what] = not hurried
        return write(what, hurried=hurried)

    monkeypatch.setattr(session.store, "writing", watched)
    (done,) = run_fleet(session, Order((REF,), named=frozenset({REF})), FleetObserver())
    assert done.outcome == ("refused" if refused else "ok")
    assert waits["close_run"] is refused
    assert refused or waits["begin_attempt"]


def test_a_hold_that_came_since_keeps_the_client_out(session: Session) -> None:
    """B10: holds were read once, when the command was given."""
    host = session.hosts["nim"]

    def hold(script: str, run: Callable[[], CommandResult]) -> None:
        if "lsmksysb" not in script and not session.reader.holds():
            session.store.hold("nim", "aix01", "disk work", session.clock.now())

    watched = replace(session, hosts={"nim": CutHost(host, hold)})
    (done,) = run_fleet(watched, Order((REF,), named=frozenset({REF})), FleetObserver())
    assert (done.outcome, done.failure and done.failure.code) == ("skipped", "held")
