"""cancel, wherever a run is: in preflight, waiting for a slot or its next round, or at its operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Thread

import pytest

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.cancel_request import request_cancel
from nimwrap.backup.cancellation import cancel_run
from nimwrap.config.load import load
from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import ClientRef, Run
from nimwrap.estate import Estate
from nimwrap.fleet.fleet_observer import FleetObserver
from nimwrap.fleet.fleet_run import Order, run_fleet
from nimwrap.fleet.session import Session, open_session
from nimwrap.hosts.protocol import CommandResult
from tests.cutting import CutHost, lost_once
from tests.running import ConfigWriter
from tests.waiting import until

REF = ClientRef("nim", "powerha1")


@dataclass
class Waking(Clock):
    """Nobody sleeps: ``waking`` is called instead."""

    waking: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.waking()


@pytest.fixture
def session(estate: Estate, estate_config: ConfigWriter) -> Iterator[Session]:
    with open_session(load(estate_config(retry={"wait": "1h", "max_wait": "1h"}))) as opened:
        yield opened


def assert_cancelled(session: Session, estate: Estate, run: str) -> None:
    row = session.reader.run(run)
    assert (row.outcome, row.failure_code) == ("failed", "cancelled")
    made = [one.argv for one in estate.changes() if "define" in one.argv or "exportfs" in one.argv[0]]
    assert [argv for argv in made if not any("preview" in word for word in argv)] == []
    spool = estate.files("nim") / "var/adm/nimwrap"
    assert [path.name for path in spool.glob("*/*")] == []


def test_a_run_in_preflight_ends_before_it_starts_anything(estate: Estate, session: Session) -> None:
    context = session.master_context("nim")

    def ask(script: str, run: Callable[[], CommandResult]) -> None:
        if len(host.seen) == 1:
            request_cancel(context, backup.run.id)

    host = CutHost(context.host, ask)
    backup = BackupRun(replace(context, host=host), BackupRequest(REF))
    done = backup.step()
    assert isinstance(done, Run) and done.failure and done.failure.code == "cancelled"
    assert_cancelled(session, estate, done.id)


def test_an_end_that_was_lost_on_its_way_is_told_again(estate: Estate, session: Session) -> None:
    """What the cut campaign found: cancel waited for an operation that nobody had ended, and gave up."""
    estate.hold_images()
    context = session.master_context("nim")
    backup = BackupRun(context, BackupRequest(REF))
    backup.begin()
    thread = Thread(target=backup.step)
    thread.start()
    until(lambda: bool(list(estate.files("nim").glob("export/nim/mksysb/**/powerha1_*.mksysb"))), "the image is begun")
    cut = lost_once(context.host, "> ended_by")
    assert cancel_run(replace(context, host=cut), session.reader, backup.run.id).closed == [backup.run.id]
    thread.join()
    assert session.reader.run(backup.run.id).failure_code == "cancelled"


def test_a_run_whose_image_is_whole_by_then_is_not_said_to_be_cancelled(estate: Estate, session: Session) -> None:
    """What the explorer found: `backup+cancel`, the operation ends between the wish and its end."""
    estate.hold_images()
    context = session.master_context("nim")
    backup = BackupRun(context, BackupRequest(REF))
    backup.begin()
    thread = Thread(target=backup.step)
    thread.start()
    until(lambda: bool(list(estate.files("nim").glob("export/nim/mksysb/**/powerha1_*.mksysb"))), "the image is begun")

    def meet(script: str, run: Callable[[], CommandResult]) -> None:
        estate.release_images()
        thread.join()

    with pytest.raises(NimwrapError, match="could not be cancelled any more"):
        cancel_run(replace(context, host=CutHost(context.host, meet)), session.reader, backup.run.id)
    assert session.reader.run(backup.run.id).outcome == "ok"


def test_a_run_that_waits_for_an_image_slot_is_taken_out(estate: Estate, session: Session) -> None:
    context = session.master_context("nim")
    slots = f"{context.master.spool}/slots"
    context.host.run(
        f"for n in 1 2 3 4 5 6 7 8; do mkdir -p {slots}/$n; date -u +%Y%m%d%H%M%S > {slots}/$n/heartbeat; done"
    )
    clock = Waking(waking=lambda: request_cancel(context, backup.run.id))
    backup = BackupRun(replace(context, clock=clock), BackupRequest(REF))
    done = backup.step()
    context.host.run(f"rm -rf {slots}")
    assert isinstance(done, Run) and done.failure and done.failure.code == "cancelled"
    assert_cancelled(session, estate, done.id)
    (change,) = session.reader.changes(run=done.id)
    assert change.state == "reverted"


def test_a_run_that_waits_for_its_next_round_is_taken_out(estate: Estate, session: Session) -> None:
    """A13: it was told "is ended", and ended ok after its next round."""
    estate.fault("client_busy", True, "powerha1")

    def wake() -> None:
        (row,) = session.reader.open_runs()
        request_cancel(session.master_context("nim"), row.id)

    (done,) = run_fleet(replace(session, clock=Waking(waking=wake)), Order((REF,)), FleetObserver())
    assert done.failure and done.failure.code == "cancelled"
    assert_cancelled(session, estate, done.id)


def test_cancel_ends_an_operation_and_its_owner_closes_the_run(estate: Estate, session: Session) -> None:
    estate.fault("nfs_stall", True)
    context = session.master_context("nim")
    ended: list[object] = []

    def meet(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if "/wrapper < /dev/null" in script and not ended:
            ended.append(None)
            started = run()
            cancel = replace(context, clock=Waking(waking=lambda: ended.append(closed())))
            assert cancel_run(cancel, session.reader, backup.run.id).closed == [backup.run.id]
            return started
        return None

    def closed() -> object:
        session.store.update_run(backup.run.id, outcome="failed")
        return None

    backup = BackupRun(replace(context, host=CutHost(context.host, meet)), BackupRequest(REF))
    done = backup.step()
    assert isinstance(done, Run) and done.failure and done.failure.code == "cancelled"
