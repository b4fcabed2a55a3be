"""What a crash or a cut line left behind beside a good image: the image stays, the export does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.cleanup import EndSeen, clean_up
from nimwrap.backup.export_journal import changed_by_another
from nimwrap.backup.operation import settle
from nimwrap.backup.place_image import put_in_place
from nimwrap.backup.recovery import last_plan, recover
from nimwrap.backup.unfinished_attempt import Recovered
from nimwrap.config.load import load
from nimwrap.domain.clock import Clock
from nimwrap.domain.records import ClientRef, Run
from nimwrap.estate import Estate
from nimwrap.fleet.session import Session, open_session
from nimwrap.hosts.protocol import CommandResult, Host
from tests.cutting import CutHost, bent, lost_once, refuse
from tests.running import ConfigWriter


class Killed(BaseException):
    """nimwrap dies here."""


@pytest.fixture
def session(estate: Estate, estate_config: ConfigWriter) -> Iterator[Session]:
    with open_session(load(estate_config())) as opened:
        yield opened


def backed_up(session: Session, host: Host) -> Run | None:
    """The end of one backup of powerha1 over ``host``; None when its nimwrap was killed in it."""
    context = replace(session.master_context("nim"), host=host)
    backup = BackupRun(context, BackupRequest(ClientRef("nim", "powerha1")))
    try:
        done = backup.step()
    except Killed:
        assert backup._owner is not None
        backup._owner.release()
        return None
    assert isinstance(done, Run)
    return done


def recovered(session: Session) -> Recovered:
    return recover(session.master_context("nim"), session.reader, wait=True)


@pytest.mark.parametrize("how", ["cut", "killed"])
def test_an_export_whose_undo_failed_is_undone_by_the_next_recover(estate: Estate, session: Session, how: str) -> None:
    """A4: the undo fails once, and the line is cut, or nimwrap dies, before the directory was put aside."""
    before = estate.exports_text()
    exportfs = estate.files("nim") / "usr/sbin/exportfs"
    refuse(exportfs, "-u*", "exportfs: refused")

    def die(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if ".left-1" in script:
            raise Killed
        return None

    host = session.hosts["nim"]
    done = backed_up(session, lost_once(host, ".left-1") if how == "cut" else CutHost(host, die))
    assert (done.outcome if done else None) == ("warning" if how == "cut" else None)
    assert estate.exports_text() != before
    first = recovered(session)
    assert first.cleaned == [] and first.notes, first
    assert estate.exports_text() != before
    refuse(exportfs, "")
    second = recovered(session)
    assert second.notes == [], second
    assert estate.exports_text() == before
    (change,) = session.reader.changes(limit=1)
    assert change.state == "reverted"
    assert recovered(session) == Recovered()
    assert list((estate.files("nim") / "var/adm/nimwrap/locks").iterdir()) == []
    assert session.reader.last_good("nim", "powerha1")


def test_a_good_image_that_could_not_take_its_place_is_never_cleaned_away(estate: Estate, session: Session) -> None:
    """A1: mksysb warned and ended with 1, its place was taken, and its undo failed once: all of it is aside."""
    estate.fault("archive_warning", "failed", "powerha1")
    exportfs = estate.files("nim") / "usr/sbin/exportfs"
    refuse(exportfs, "-u*", "exportfs: refused")
    taken: list[Path] = []

    def occupy(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if "ln /export/nim/mksysb/powerha1/.nimwrap/" in script and not taken:
            place = script.partition(".mksysb /export")[2].split()[0]
            taken.append(estate.files("nim") / f"export{place}")
            taken[0].parent.mkdir(parents=True, exist_ok=True)
            taken[0].write_text("somebody else's")
        return None

    done = backed_up(session, CutHost(session.hosts["nim"], occupy))
    assert done is not None and done.outcome == "warning" and taken, done
    image = session.reader.last_good("nim", "powerha1")
    assert image is not None and "/.nimwrap/" in image.location
    refuse(exportfs, "")
    estate.fault("archive_warning", None)
    recovered(session)
    assert (estate.files("nim") / image.location.lstrip("/")).exists()
    assert recovered(session).notes == []


def test_late_cleaning_leaves_what_came_since_alone(estate: Estate, session: Session) -> None:
    """A6: an administrator has allocated an image to the client since, to restore it; recover took that away.

    The clean-up of the living run too, when he did so between the preflight and the operation: found by the explorer.
    """
    context = session.master_context("nim")
    golden = BackupRun(context, BackupRequest(ClientRef("nim", "aix01"))).step()
    assert isinstance(golden, Run) and golden.image
    estate.fault("disk_full", True)
    failed = backed_up(session, session.hosts["nim"])
    assert failed is not None and failed.outcome == "failed"
    plan = last_plan(session.reader, failed.id)
    assert plan is not None

    def allocated() -> bool:
        return golden.image.resource in context.host.run("/usr/sbin/lsnim -l powerha1").stdout  # type: ignore[union-attr]

    context.host.run(f"/usr/sbin/nim -o allocate -a mksysb={golden.image.resource} powerha1")
    for late in (EndSeen(), EndSeen(allocated=(f"mksysb = {golden.image.resource}",)), None):
        clean_up(context, plan, late=late)
        assert allocated()


def test_late_cleaning_waits_for_whoever_works_on_the_client(estate: Estate, session: Session) -> None:
    """A6: its undo, umount and reset ran beside a backup of the client that had begun since."""
    estate.fault("disk_full", True)
    failed = backed_up(session, session.hosts["nim"])
    assert failed is not None
    spool = estate.files("nim") / "var/adm/nimwrap"
    room, lock = spool / f"{failed.id}.left-1", spool / "locks/powerha1"
    room.mkdir()
    lock.mkdir(parents=True)
    for name, text in {
        "plan": "{}",
        "rc": "1",
        "done": "1",
        "image": "/gone",
        "out": "",
        "undo": "touch undone",
    }.items():
        (room / name).write_text(f"{text}\n")
    beat = session.hosts["nim"].run("date -u +%Y%m%d%H%M%S").stdout
    for name, text in {"run": "20261123T000000-powerha1-beef\n", "heartbeat": beat}.items():
        (lock / name).write_text(text)
    done = recovered(session)
    assert any("beef" in note for note in done.notes) and done.cleaned == []
    assert not (room / "undone").exists() and room.exists()


def test_an_export_with_another_runs_open_change_is_not_changed(session: Session) -> None:
    """B2: the text from before, with that run's host in it, would have been put back for good."""
    context = session.master_context("nim")
    done = backed_up(session, session.hosts["nim"])
    assert done is not None
    plan = last_plan(session.reader, done.id)
    assert plan is not None and plan.exported and changed_by_another(context, plan) is None
    session.store.plan_change(done.id, "nim", plan.exported, added=["10.0.0.1"], before="rw", at=session.clock.now())
    other = replace(plan, run="20261123T000000-powerha1-beef")
    refused = changed_by_another(context, other)
    assert refused is not None and refused.code == "export_conflict" and done.id in refused.message


@pytest.mark.parametrize("apart", [False, True])
def test_an_image_goes_to_its_place_whole_or_not_at_all(session: Session, tmp_path: Path, apart: bool) -> None:
    """B1: where the client's directory is a file system of its own, a move is a copy that may be cut anywhere."""
    context = session.master_context("nim")
    done = backed_up(session, session.hosts["nim"])
    assert done is not None and done.image is not None
    plan = last_plan(session.reader, done.id)
    assert plan is not None and plan.staging
    context.host.run(f"mkdir -p {plan.staging} {plan.room}; mv {plan.location} {plan.staged}")
    host = bent(context.host, f"ln {plan.staged}", "false") if apart else context.host
    assert put_in_place(replace(context, host=host), plan).succeeded
    seen = context.host.run(f"ls {plan.location} {plan.staged} {plan.location}.new 2>/dev/null").stdout.split()
    assert seen == [plan.location]
    context.host.run(f"mkdir -p {plan.staging}; ln {plan.location} {plan.staged}")  # cut between its two names
    assert put_in_place(context, plan).succeeded
    context.host.run(f"mkdir -p {plan.staging}; echo other > {plan.staged}")
    assert put_in_place(context, plan).failed


def test_an_overdue_operation_is_ended_by_a_recover_that_does_not_wait(estate: Estate, session: Session) -> None:
    """B11: what its wrapper's one `stop` could not end stayed "running" for whoever works from cron."""
    estate.fault("nfs_stall", True)
    context = session.master_context("nim")

    def die(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if "/wrapper < /dev/null" in script:
            run()
            raise Killed
        return None

    backup = BackupRun(replace(context, host=CutHost(context.host, die)), BackupRequest(ClientRef("nim", "powerha1")))
    with pytest.raises(Killed):
        backup.step()
    backup.let_go()
    assert recover(context, session.reader, wait=False).running == [backup.run.id]
    late = replace(context, clock=Late())
    assert recover(late, session.reader, wait=False).closed == [backup.run.id]
    assert session.reader.run(backup.run.id).failure_code == "timed_out"


class Late(Clock):
    """A day later."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


class Sleepless(Clock):
    """Waiting takes no time."""

    def sleep(self, seconds: float) -> None:
        return


def test_what_a_dead_wrapper_left_is_settled_until_the_master_says_so(session: Session) -> None:
    """B9: it was cut, and all was concluded with command and export perhaps alive."""
    done = backed_up(session, session.hosts["nim"])
    assert done is not None
    plan = last_plan(session.reader, done.id)
    assert plan is not None
    host = lost_once(session.hosts["nim"], "settle.out")
    settle(replace(session.master_context("nim"), host=host, clock=Sleepless()), plan)
    assert len([script for script in host.seen if "settle.out" in script]) == 2
