"""Whose clock dates what: events by the master's, whoever hears of them when; odd heartbeats by our own watching."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nimwrap.backup.operation import _is_stale
from nimwrap.backup.recovery import recover
from nimwrap.backup.spool import idle_slots
from nimwrap.config.load import load
from nimwrap.domain.clock import Clock
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.estate import Estate
from nimwrap.fleet.session import open_session
from nimwrap.locks.client_locks import HeldLock, take_locks
from tests.backup.evidence import writing
from tests.faults.hands import confirm_hand
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import until

FUTURE = "20990101000000"


class Later(Clock):
    """Now, and a while."""

    def __init__(self, by: timedelta) -> None:
        super().__init__()
        self.by = by

    def now(self) -> datetime:
        return super().now() + self.by


def test_a_recover_two_days_later_dates_nothing_anew(
    estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    estate.hold_images("powerha1")
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1")
    until(lambda: writing(estate), "the image is being written")
    backup.kill()
    backup.wait()
    estate.release_images()
    (room,) = (estate.files("nim") / "var/adm/nimwrap").glob("2*")
    until((room / "done").exists, "the wrapper is done")
    ended = datetime.strptime((room / "ended_at").read_text().strip(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    with open_session(load(config)) as session:
        late = replace(session.master_context("nim"), clock=Later(timedelta(days=2)))
        (run,) = recover(late, session.reader, wait=True).closed
        (image,) = session.reader.images("nim")
        (change,) = session.reader.changes(run=run)
        (attempt,) = session.reader.attempts([run])
        row = session.reader.run(run)
    assert parse_rfc3339(image.created) == ended
    soon = ended + timedelta(minutes=10)
    assert parse_rfc3339(attempt.ended or "") < soon and parse_rfc3339(row.ended or "") < soon
    assert change.reverted and parse_rfc3339(change.reverted) < soon


def test_a_lock_whose_heartbeat_lies_in_the_future_is_judged_by_our_own_watching(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    lock = estate.files("nim") / "var/adm/nimwrap/locks/aix01"
    lock.mkdir(parents=True)
    (lock / "run").write_text("20261123T000000-aix01-beef\n")
    (lock / "heartbeat").write_text(f"{FUTURE}\n")
    ran = run_cli("backup", "aix01", "--json", config=config)
    assert (ran.exit_code, ran.data["runs"][0]["outcome"]) == (11, "locked")
    assert f"its heartbeat ({FUTURE}) is not of this time" in ran.data["runs"][0]["failure"]["message"]
    doctor = run_cli("doctor", "--json", config=config)
    assert "locks/aix01" in doctor.stdout and "heartbeats:nim" in doctor.stdout
    did = "taken over once its operation is gone and it was watched for ten minutes"
    confirm_hand("heartbeat", did, f"the run: {ran.data['runs'][0]['outcome']}; `doctor`: `heartbeats`")
    with open_session(load(config)) as session:
        context = session.master_context("nim")
        early = replace(context, clock=Later(timedelta(minutes=5)))
        assert isinstance(take_locks(early, "aix01", (), "20261123T000000-aix01-0002"), Failure)
        late = replace(context, clock=Later(timedelta(minutes=11)))
        assert isinstance(take_locks(late, "aix01", (), "20261123T000000-aix01-0002"), HeldLock)


def test_a_slot_whose_heartbeat_lies_in_the_future_too(estate_config: ConfigWriter) -> None:
    busy = f"nw slot 1 gone {FUTURE} 20261128000000 20261123T000000-aix01-beef\nnw busy\n"
    (slot,) = idle_slots(busy)
    with open_session(load(estate_config())) as session:
        context = session.master_context("nim")
        for minutes, stale in ((0, False), (5, False), (11, True)):
            assert _is_stale(replace(context, clock=Later(timedelta(minutes=minutes))), slot) is stale
