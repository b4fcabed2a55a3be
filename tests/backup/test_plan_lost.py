"""What is finished by the plan that lies in the operation's directory, and by the table that everybody goes by."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.recovery import last_plan, recover
from nimwrap.config.load import load
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.records import Attempt, ClientRef, Run
from nimwrap.estate import Estate
from nimwrap.fleet.session import Session, open_session
from nimwrap.hosts.protocol import CommandResult
from nimwrap.remedies.registry import remedy
from tests.cutting import CutHost, refuse
from tests.running import ConfigWriter

REQUEST = BackupRequest(ClientRef("nim", "powerha1"))


class Killed(BaseException):
    """nimwrap dies here."""


@pytest.fixture
def session(estate: Estate, estate_config: ConfigWriter) -> Iterator[Session]:
    with open_session(load(estate_config())) as opened:
        yield opened


def killed_after_its_start(session: Session) -> str:
    """The run of a backup of powerha1 whose nimwrap died when the operation had just begun."""

    def die(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if "/wrapper < /dev/null" not in script:
            return None
        run()
        raise Killed

    context = session.master_context("nim")
    backup = BackupRun(replace(context, host=CutHost(context.host, die)), REQUEST)
    with pytest.raises(Killed):
        backup.step()
    backup.let_go()
    return backup.run.id


def changed(session: Session, *statements: str) -> None:
    with sqlite3.connect(session.config.database) as database:
        for statement in statements:
            database.execute(statement)


def in_order(session: Session, run: str) -> None:
    """The run came to its end: its image recorded, its export as before."""
    assert recover(session.master_context("nim"), session.reader, wait=True).closed == [run]
    row, image = session.reader.run(run), session.reader.last_good("nim", "powerha1")
    assert row.outcome == "ok" and image is not None and image.run == run
    assert [change.state for change in session.reader.changes(run=run)] == ["reverted"]


@pytest.mark.parametrize("lost", ["delete from attempts", "delete from export_changes"])
def test_a_lost_row_loses_no_image(estate: Estate, session: Session, lost: str) -> None:
    """B4: without its attempt's row the run was closed as never begun, and its image had no row for good."""
    before = estate.exports_text()
    run = killed_after_its_start(session)
    changed(session, lost, *(["delete from attempts"] if "changes" in lost else []))
    in_order(session, run)
    assert estate.exports_text() == before


def test_a_directory_is_finished_by_its_own_plan(estate: Estate, session: Session) -> None:
    """B4: an earlier attempt's start came late; its directory was judged by the plan of the attempt that found it."""
    run = killed_after_its_start(session)
    first = last_plan(session.reader, run)
    assert first is not None
    second = replace(first, number=2, location=f"{first.location}.2", staged=f"{first.staged}.2", resource="other")
    session.store.begin_attempt(
        run, attempt_of(second, session), location=second.location, resource="other", plan=second.to_json()
    )
    in_order(session, run)
    (image,) = session.reader.images("nim", "powerha1")
    assert (image.location, image.resource) == (first.location, first.resource)


def attempt_of(plan: AttemptPlan, session: Session) -> Attempt:
    return Attempt(plan.number, session.clock.now(), remedy=plan.remedy)


def ended(session: Session) -> Run:
    done = BackupRun(session.master_context("nim"), REQUEST).step()
    assert isinstance(done, Run)
    return done


def test_what_still_waits_holds_no_lock(estate: Estate, session: Session) -> None:
    """A recover that could not clean up kept the client's lock until it was stale: the next backup was locked out."""
    exportfs = estate.files("nim") / "usr/sbin/exportfs"
    refuse(exportfs, "-u*", "exportfs: refused")
    assert ended(session).outcome == "warning"
    done = recover(session.master_context("nim"), session.reader, wait=True)
    assert done.notes and done.cleaned == []
    spool = estate.files("nim") / "var/adm/nimwrap"
    assert list((spool / "locks").iterdir()) == [] and list((spool / "slots").iterdir()) == []
    refuse(exportfs, "")
    assert recover(session.master_context("nim"), session.reader, wait=True).notes == []


def put_aside(estate: Estate, session: Session, plan: AttemptPlan, name: str, *flags: str) -> Path:
    """A directory in the spool as an ended operation of ``plan`` leaves it, whose status was 0."""
    room = estate.files("nim") / f"var/adm/nimwrap/{name}"
    room.mkdir(exist_ok=True)
    texts = {"plan": plan.to_json(), "rc": "0", "done": "20261123000000", "image": plan.staged, "out": ""}
    for file, text in {**texts, **dict.fromkeys(flags, "")}.items():
        (room / file).write_text(f"{text}\n")
    return room


def test_a_failure_with_status_0_is_cleaned_up_later_too(estate: Estate, session: Session) -> None:
    """An image that its proof refused stayed: whoever came for it later took the status for success."""
    estate.fault("disk_full", True)
    failed = ended(session)
    estate.fault("disk_full", None)
    plan = last_plan(session.reader, failed.id)
    assert failed.outcome == "failed" and plan is not None
    room = put_aside(estate, session, plan, f"{failed.id}.left-1")
    partial = estate.files("nim") / plan.staged.lstrip("/")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text("half an image")
    assert room.name in recover(session.master_context("nim"), session.reader, wait=True).cleaned
    assert not partial.exists() and not room.exists()


def test_a_client_that_a_killed_run_left_unclean_is_cleared(estate: Estate, session: Session) -> None:
    """Killed after its image was recorded: what lay on the client was forgotten with the directory that told of it."""
    done = ended(session)
    plan = last_plan(session.reader, done.id)
    assert done.outcome == "ok" and plan is not None
    there = remedy(plan.method).clean_client(plan)
    assert there is not None
    rest = estate.files("powerha1") / there.path.lstrip("/")
    rest.mkdir(parents=True)
    put_aside(estate, session, plan, done.id, "unclean")
    changed(session, "update runs set outcome = 'running', ended = null")
    assert recover(session.master_context("nim"), session.reader, wait=True).closed == [done.id]
    assert session.reader.run(done.id).outcome == "ok"
    assert not rest.exists()
