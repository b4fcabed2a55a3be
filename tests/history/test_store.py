"""Every write, and what waiting, crowding and crashing do to it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nimwrap.history.sqlite.store as store_module
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Attempt, ChangeState, Cluster, InventoryClient
from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from tests.history.samples import a_run, an_image, at, tell_founding_case
from tests.running import ROOT


def test_a_run_goes_from_its_first_row_to_its_last(store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    assert [row.id for row in reader.open_runs("nim")] == ["r1"]
    assert reader.run("r1").owner_pid == os.getpid()
    store.update_run("r1", phase="preflight")
    assert reader.run("r1").phase == "preflight"
    failure = Failure(FailureCode.STALLED, "no sign of life", "look at it", "rc=?")
    store.close_run(a_run("r1", outcome=Outcome.FAILED, failure=failure))
    row = reader.run("r1")
    assert reader.open_runs() == []
    assert (row.outcome, row.failure_code, row.failure_evidence) == ("failed", "stalled", "rc=?")
    assert (row.phase, row.duration_s, row.ended) == (None, 600.0, "2026-11-22T14:10:00+00:00")


def test_ends_write_the_rows_whose_beginning_was_lost(store: Store, reader: Reader) -> None:
    store.close_run(a_run("r1", outcome=Outcome.OK))
    store.end_attempt("r1", Attempt(1, at(1), at(2), 0), output="done")
    assert reader.run("r1").outcome == "ok"
    assert [row.output for row in reader.attempts(["r1"])] == ["done"]


def test_closing_a_run_finds_the_image_it_recorded(store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    image = an_image(store, a_run("r1"))
    store.close_run(a_run("r1", outcome=Outcome.OK))
    assert reader.run("r1").image == image


def test_a_row_that_is_not_there_cannot_be_changed(store: Store) -> None:
    for write in (
        lambda: store.update_run("r1", phase="image"),
        lambda: store.change_ended(7, ChangeState.REVERTED, at(0)),
        lambda: store.end_attempt("r1", Attempt(1, at(0)), output=""),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            write()
        assert caught.value.code == "history_row_missing"


def test_an_attempt_needs_its_run(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        store.begin_attempt("nobody", Attempt(1, at(0)), location="/x", resource="x")


def test_a_change_is_journalled_before_it_is_made(store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    change = store.plan_change("r1", "nim", "/export/a", added=["10.0.0.1", "vip"], before="/export/a -ro", at=at(1))
    planned = reader.open_changes("nim")[0]
    assert (planned.state, planned.added, planned.applied) == ("planned", ("10.0.0.1", "vip"), None)
    store.change_applied(change, "/export/a -rw", at(2))
    assert reader.open_changes()[0].after == "/export/a -rw"
    store.change_ended(change, ChangeState.FOREIGN, at(3), "not understood")
    assert [(row.state, row.reverted) for row in reader.open_changes()] == [("foreign", None)]
    store.change_ended(change, ChangeState.REVERTED, at(4))
    assert reader.open_changes() == []
    assert reader.changes(run="r1")[0].reverted == "2026-11-22T14:04:00+00:00"


def test_a_place_holds_one_image(store: Store, reader: Reader) -> None:
    for run in ("r1", "r2"):
        store.begin_run(a_run(run))
    first = an_image(store, a_run("r1"), location="/i/x.mksysb")
    assert an_image(store, a_run("r1"), location="/i/x.mksysb", size_bytes=9) == first
    second = an_image(store, a_run("r2"), location="/i/x.mksysb")
    assert [row.id for row in reader.images("nim", "powerha1")] == [second]
    gone = reader.images_by_id([first])[0]
    assert (gone.size_bytes, gone.removal) == (9, "removed")
    assert gone.removed is not None


def test_an_inventory_remembers_who_vanished(store: Store, reader: Reader) -> None:
    pair = [InventoryClient("a", "standalone", "a.example", "ha"), InventoryClient("b", "standalone")]
    store.record_inventory("nim", pair, at(0))
    store.record_inventory("other", [InventoryClient("b", "standalone")], at(0))
    store.record_inventory("nim", pair[:1], at(60))
    store.inventory_failed("nim", "no route", at(120))
    rows = {(row.master, row.name): row for row in reader.clients()}
    assert rows["nim", "b"].vanished == "2026-11-22T15:00:00+00:00"
    assert rows["other", "b"].vanished is None
    assert (rows["nim", "a"].cluster, rows["nim", "a"].last_seen) == ("ha", "2026-11-22T15:00:00+00:00")
    taken = reader.inventories()[0]
    assert (taken.taken, taken.tried, taken.error) == (
        "2026-11-22T15:00:00+00:00",
        "2026-11-22T16:00:00+00:00",
        "no route",
    )
    store.record_inventory("nim", pair, at(180))
    assert [row.vanished for row in reader.clients("nim")] == [None, None]
    assert reader.inventories()[0].error is None


def test_a_hold_is_replaced_and_ends(store: Store, reader: Reader) -> None:
    store.hold("nim", "a", "patching", at(0))
    store.hold("nim", "a", "moving house", at(1), at(60))
    assert [row.reason for row in reader.holds(at(59))] == ["moving house"]
    assert reader.holds(at(60)) == []
    assert store.release("nim", "a", at(2)) is True
    assert store.release("nim", "a", at(3)) is False
    assert reader.holds() == []


def test_text_that_cannot_be_stored_is_made_storable(store: Store, reader: Reader) -> None:
    store.event("note", "caf\udce9", run="r1", data={"out": "\udcff"}, at=at(0))
    assert reader.events("r1")[0].text == "caf?"


def test_an_end_does_not_wait_for_the_database(
    path: Path, reader: Reader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "HURRY_S", 0.05)
    store.begin_run(a_run("r1"))
    patient = Store.open(path, patience_s=600)
    other = _locked(path)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        patient.close_run(a_run("r1", outcome=Outcome.OK))
    with patient.hurried(), pytest.raises(StoreUnavailable):
        patient.begin_run(a_run("r2"))
    assert time.monotonic() - began < 300
    assert (caught.value.code, caught.value.exit_code) == ("history_locked", 1)
    other.close()
    patient.close_run(a_run("r1", outcome=Outcome.OK))
    assert reader.run("r1").outcome == "ok"
    patient.close()


def test_a_new_act_waits_until_the_other_writer_is_done(path: Path, store: Store, reader: Reader) -> None:
    other = _locked(path)
    with ThreadPoolExecutor(1) as pool, Store.open(path, patience_s=600) as patient:
        waiting = pool.submit(patient.begin_run, a_run("r1"))
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        other.execute("commit")
        waiting.result(timeout=20)
    assert reader.run("r1").id == "r1"
    other.close()


def test_a_reader_works_while_a_writer_writes(path: Path, store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    other = _locked(path)
    other.execute("update runs set outcome = 'ok'")
    assert [row.outcome for row in reader.runs()] == ["running"]
    other.execute("commit")
    other.close()
    assert [row.outcome for row in reader.runs()] == ["ok"]


def test_many_threads_share_a_store(path: Path, reader: Reader, store: Store) -> None:
    with Store.open(path) as shared, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: shared.event("note", str(number), run="r1", at=at(0)), range(100)))
    assert sorted(int(row.text) for row in reader.events("r1")) == list(range(100))


def test_a_full_disk_is_said_plainly(store: Store) -> None:
    pages = store.database.conn.execute("pragma page_count").fetchone()[0]
    store.database.conn.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(StoreUnavailable) as caught:
        store.event("note", "x" * 100_000, at=at(0))
    assert caught.value.code == "history_full"
    assert str(store.path) in caught.value.message


_WRITES = """
import sys
from pathlib import Path
from nimwrap.history.sqlite.store import Store
from tests.history.samples import tell_founding_case
store = Store.open(Path(sys.argv[1]))
tell_founding_case(store)
"""


def test_killed_at_any_write_the_history_stays_whole(tmp_path: Path) -> None:
    whole = tmp_path / "whole" / "history.db"
    trace = tmp_path / "trace"
    assert _ended(_WRITES, whole, NIMWRAP_FAILPOINT_TRACE=str(trace)) == 0
    labels = [line.split(" ", 1)[1] for line in trace.read_text().splitlines()]
    assert labels[:2] == ["history.record_run before", "history.record_run after"]
    assert [label.removesuffix(" before") for label in labels[::2]] == [
        label.removesuffix(" after") for label in labels[1::2]
    ]
    counts = []
    for number in range(1, len(labels) + 1, 3):
        path = tmp_path / str(number) / "history.db"
        assert _ended(_WRITES, path, NIMWRAP_FAILPOINT_KILL=str(number)) == -signal.SIGKILL
        with Store.open(path) as again:
            assert again.database.conn.execute("pragma integrity_check").fetchone()[0] == "ok"
            counts.append(_row_count(again))
            again.event("note", "still works", at=at(0))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] > counts[1] > 0
    with Reader.open(whole) as reader:
        assert reader.open_runs() == []


_DIES_INSIDE = """
import os, signal, sys
from pathlib import Path
from nimwrap.history.sqlite.store import Store
store = Store.open(Path(sys.argv[1]))
with store.writing("test") as database:
    database.conn.execute("insert into events (at, kind, text) values ('2026', 'note', 'half')")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_crash_inside_a_transaction_leaves_nothing_of_it(path: Path) -> None:
    assert _ended(_DIES_INSIDE, path) == -signal.SIGKILL
    with Store.open(path, patience_s=0.5) as store, Reader.open(path) as reader:
        store.event("note", "whole", at=at(0))
        assert list(reader.each("select text from events")) == [("whole",)]


_COUNTS = """
import sys
from pathlib import Path
from nimwrap.history.sqlite.store import Store
store = Store.open(Path(sys.argv[1]))
for _ in range(50):
    with store.writing("count") as database:
        newest = database.conn.execute("select coalesce(max(number), 0) from attempts").fetchone()[0]
        database.conn.execute("insert into attempts (run, number, started) values ('r1', ?, '2026')", (newest + 1,))
"""


def test_four_processes_read_then_write_without_losing_one(path: Path, store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    working = [_start(_COUNTS, path) for _ in range(4)]
    assert [one.wait(timeout=60) for one in working] == [0, 0, 0, 0]
    assert [row.number for row in reader.attempts(["r1"])] == list(range(1, 201))


def test_the_story_of_the_founding_case_is_complete(store: Store, reader: Reader) -> None:
    run = tell_founding_case(store)
    assert reader.remedies_proven("nim") == ("own-mount",)
    assert reader.remedies_proven("other") == ()
    assert [row.outcome for row in reader.runs()] == ["ok", "refused"]
    good = reader.last_good("nim", "powerha1")
    assert good is not None
    assert good.run == run


def _row_count(store: Store) -> int:
    tables = ("runs", "attempts", "findings", "images", "export_changes", "events")
    return sum(store.database.conn.execute(f"select count(*) from {table}").fetchone()[0] for table in tables)  # noqa: S608


def _locked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("begin immediate")
    return connection


def _start(script: str, path: Path, **env: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.Popen([sys.executable, "-c", script, str(path)], env=environment)


def _ended(script: str, path: Path, **env: str) -> int:
    return _start(script, path, **env).wait(timeout=60)


def test_the_cluster_that_a_run_saw_stays_with_its_client(store: Store) -> None:
    store.record_inventory("nim", [InventoryClient("powerha1", "standalone")], at(0))
    run = a_run()
    store.begin_run(run)
    store.update_run(run.id, cluster=Cluster("powerha", "ST_STABLE"))
    store.update_run(run.id, cluster=None)
    store.record_inventory("nim", [InventoryClient("powerha1", "standalone")], at(9))
    with Reader.open(store.path) as reader:
        assert [row.cluster for row in reader.clients()] == ["powerha"]
