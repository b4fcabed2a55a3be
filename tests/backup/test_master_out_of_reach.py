"""The master goes out of sight at the worst moments: a run is never closed over an operation that may still work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nimwrap.backup.backup_request import BackupRequest, RetryLater
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.recovery import recover
from nimwrap.config.load import load
from nimwrap.domain.clock import Interrupted
from nimwrap.domain.records import ClientRef, Run
from nimwrap.estate import Estate
from nimwrap.fleet.session import Session, open_session
from tests.backup.unreachable import Failing, Gone, Hasty
from tests.running import ConfigWriter


@contextmanager
def broken_at(config: Path, word: str) -> Iterator[tuple[Session, Failing, BackupRun]]:
    with open_session(load(config)) as opened:
        host = Failing(opened.hosts["nim"], word)
        session = replace(opened, hosts={"nim": host})
        yield session, host, BackupRun(session.master_context("nim"), BackupRequest(ClientRef("nim", "powerha1")))


def test_an_image_whose_proof_was_cut_off_is_recorded_by_recover(estate: Estate, estate_config: ConfigWriter) -> None:
    before = estate.exports_text()
    with open_session(load(estate_config())) as session:
        context = session.master_context("nim")
        lost = replace(context, host=Gone(context.host, "lsmksysb -lf"), clock=Hasty())
        backup = BackupRun(lost, BackupRequest(ClientRef("nim", "powerha1")))
        with pytest.raises(Interrupted):
            backup.step()
        assert backup.run.failure and backup.run.failure.code == "master_unreachable"
        assert recover(context, session.reader, wait=True).closed == [backup.run.id]
        assert session.reader.run(backup.run.id).outcome == "ok"
        assert session.reader.last_good("nim", "powerha1")
    assert estate.exports_text() == before


@pytest.mark.parametrize("word", ["lsmksysb -lf", "then echo no; elif", "neither staged nor in its place"])
def test_a_proof_that_was_cut_once_is_asked_for_again(estate: Estate, estate_config: ConfigWriter, word: str) -> None:
    """B5: one cut of a question about a finished image left the run open, with exit 12."""
    with open_session(load(estate_config())) as session:
        context = session.master_context("nim")
        lost = replace(context, host=Failing(context.host, word, silently=True), clock=Hasty())
        ended = BackupRun(lost, BackupRequest(ClientRef("nim", "powerha1"))).step()
        assert isinstance(ended, Run) and ended.outcome == "ok"
        (image,) = session.reader.images("nim", "powerha1")
        assert image.location == estate.objects()[image.resource]["location"]


def test_a_start_that_came_after_its_run_was_given_up_is_adopted(estate: Estate, estate_config: ConfigWriter) -> None:
    before = estate.exports_text()
    with broken_at(estate_config(retry={"attempts": 1}), "/wrapper < /dev/null") as (session, host, backup):
        ended = backup.step()
        assert isinstance(ended, Run) and ended.failure and ended.failure.code == "master_unreachable"
        lock = session.config.masters["nim"].spool + "/locks/powerha1"
        fence = host.lost.partition(f"{ended.id} ")[2][:14]
        host.host.run(f"mkdir -p {lock}; echo {ended.id} > {lock}/run; echo {fence} > {lock}/fence")
        assert "started" in host.host.run(host.lost).stdout
        assert recover(session.master_context("nim"), session.reader, wait=True).closed == [ended.id]
        assert session.reader.run(ended.id).outcome == "ok"
    assert estate.exports_text() == before


def test_a_start_that_nobody_knows_of_is_no_end(estate: Estate, estate_config: ConfigWriter) -> None:
    """Its export may have been changed by now: the journal must not call that undone."""
    with open_session(load(estate_config())) as session:
        context = session.master_context("nim")
        lost = replace(context, host=Gone(context.host, "/wrapper < /dev/null", silently=True), clock=Hasty())
        backup = BackupRun(lost, BackupRequest(ClientRef("nim", "powerha1")))
        with pytest.raises(Interrupted):
            backup.step()
        (change,) = session.reader.changes(run=backup.run.id)
        assert (change.state, session.reader.run(backup.run.id).outcome) == ("planned", "running")
        assert recover(context, session.reader, wait=True).closed == [backup.run.id]
        (change,) = session.reader.changes(run=backup.run.id)
        assert change.state == "reverted"


def test_a_lost_start_is_tried_again_as_the_next_attempt(estate: Estate, estate_config: ConfigWriter) -> None:
    with broken_at(estate_config(retry={"wait": "1s"}), "/wrapper < /dev/null") as (_, _, backup):
        assert isinstance(backup.step(), RetryLater)
        ended = backup.step()
        assert isinstance(ended, Run) and ended.outcome == "ok"
        assert [attempt.number for attempt in ended.attempts] == [1, 2]


def test_another_nimwraps_open_export_is_undone_once_when_nobody_holds_it(
    estate: Estate, estate_config: ConfigWriter
) -> None:
    with open_session(load(estate_config())) as session:
        context = session.master_context("nim")
        room = f"{context.master.spool}/20260101T000000-aix01-0000"
        context.host.run(f"mkdir -p {room}; cd {room}; echo {{}} > plan; echo 0 > rc; echo 'echo reverted' > undo")
        (note,) = recover(context, session.reader, wait=True).notes
        assert "reverted" in note
        assert recover(context, session.reader, wait=True).notes == []
