"""Several processes that look at the same instant: each client goes to exactly one of them, and none is left out."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Attempt, ClientRef, Run
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store
from nimwrap.scheduling.claims import ClaimResult, SlotClaimer
from nimwrap.scheduling.model import Schedule

NIGHTS = 50
CLIENTS = [ClientRef("nim", f"aix{number:02}") for number in range(1, 13)]
NIGHTLY = Schedule("nightly", "0 0 * * *", "UTC", ("*",), window=3600, jitter=600)
START = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def look(path: Path, now: datetime, clients: list[ClientRef] = CLIENTS, schedule: Schedule = NIGHTLY) -> ClaimResult:
    with Store.open(path) as store, Reader.open(path) as reader:
        return SlotClaimer(SlotQueue(store, reader), lambda _: clients).claim_due({schedule.name: schedule}, now)


def one_process(path: Path, ready: Any, answers: Any) -> None:
    found = []
    with Store.open(path) as store, Reader.open(path) as reader:
        engine = SlotClaimer(SlotQueue(store, reader), lambda schedule: CLIENTS)
        for night in range(NIGHTS):
            ready.wait()
            seen = engine.claim_due({"nightly": NIGHTLY}, START + timedelta(days=night, seconds=30))
            found += [(rfc3339(batch.slot), ref.client) for batch in seen.batches for ref in batch.starts]
        answers.put(found)
        ready.wait()  # nobody leaves before all have looked: a claim must not look abandoned


def test_two_processes_at_the_same_instant_fifty_nights_long(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    Store.open(path).close()
    spawn = multiprocessing.get_context("spawn")
    ready, answers = spawn.Barrier(2), spawn.Queue()
    workers = [spawn.Process(target=one_process, args=(path, ready, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    first, second = answers.get(timeout=60), answers.get(timeout=60)
    for worker in workers:
        worker.join(30)
    taken = sorted(first + second)
    assert len(taken) == len(set(taken)), "somebody was taken twice"
    nights = [rfc3339(START + timedelta(days=night)) for night in range(NIGHTS)]
    assert taken == sorted((slot, ref.client) for slot in nights for ref in CLIENTS), "somebody was left out"


def test_each_client_starts_at_its_own_share_of_the_jitter_every_night(tmp_path: Path) -> None:
    first = look(tmp_path / "history.db", START).batches[0]
    second = look(tmp_path / "history.db", START + timedelta(days=1)).batches[0]
    shares = {ref: (start - START).total_seconds() for ref, start in first.starts.items()}
    assert shares == {ref: (start - START - timedelta(days=1)).total_seconds() for ref, start in second.starts.items()}
    assert len(set(shares.values())) > 8
    assert all(0 <= share <= 600 for share in shares.values())
    assert first.window_ends == START + timedelta(seconds=3600)


def test_a_batch_whose_process_died_is_taken_again_while_its_window_is_open(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    assert len(look(path, START).batches[0].starts) == len(CLIENTS)  # the store closes: the claim's owner is gone
    again = look(path, START + timedelta(minutes=50))
    assert list(again.batches[0].starts) == CLIENTS
    assert again.batches[0].window_ends == START + timedelta(hours=1)  # it counts from the slot's real beginning
    late = look(path, START + timedelta(minutes=70))
    assert not late.batches
    assert late.passed[0].refs == tuple(CLIENTS)
    assert "the window ended" in late.passed[0].reason
    with Reader.open(path) as reader:
        assert {row.state for row in reader.slots()} == {"missed"}


@pytest.mark.parametrize("attempt", ["none", "waiting for an image slot", "an operation that was killed"])
def test_a_run_killed_before_it_started_anything_is_made_good_in_its_slot(tmp_path: Path, attempt: str) -> None:
    path = tmp_path / "history.db"
    look(path, START, CLIENTS[:1])
    with Store.open(path) as store:
        run = Run("20260301T000001-aix01-4f2a", "aix01", "nim", START, schedule="nightly")
        store.begin_run(run, slot=START)
        if attempt != "none":
            store.begin_attempt(run.id, Attempt(1, START), location="/export/nim/mksysb/a", resource="a")
        if attempt == "an operation that was killed":
            store.end_attempt(run.id, Attempt(1, START, START, failure_code=FailureCode.KILLED), output="")
        killed = Failure(FailureCode.KILLED, "nimwrap was killed before an operation was started")
        store.close_run(replace(run, outcome=Outcome.FAILED, failure=killed, ended=START))
    again = look(path, START + timedelta(minutes=30), CLIENTS[:1])
    assert [list(batch.starts) for batch in again.batches] == ([] if "was killed" in attempt else [CLIENTS[:1]])
    assert not look(path, START + timedelta(hours=2), CLIENTS[:1]).batches


def test_a_client_that_appears_during_the_slot_is_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    look(path, START, CLIENTS[:2])
    again = look(path, START + timedelta(minutes=5), CLIENTS)
    assert not again.opened
    assert list(again.batches[0].starts) == CLIENTS[:2]


def test_a_slot_for_nobody_is_a_row(tmp_path: Path) -> None:
    seen = look(tmp_path / "history.db", START, [])
    assert not seen.batches
    with Reader.open(tmp_path / "history.db") as reader:
        (row,) = reader.slots()
    assert (row.client, row.state, row.reason) == ("", "missed", "its targets match no client")


def test_a_slot_for_nobody_that_begins_late_is_not_missed_for_being_late(tmp_path: Path) -> None:
    schedule = replace(NIGHTLY, catch_up=3600)
    seen = look(tmp_path / "history.db", START + timedelta(minutes=10), [], schedule)
    assert seen.opened[0].due.reason == "its targets match no client"


def test_a_schedule_that_is_gone_leaves_no_waiting_client(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    look(path, START)
    with Store.open(path) as store, Reader.open(path) as reader:
        seen = SlotClaimer(SlotQueue(store, reader), lambda schedule: CLIENTS).claim_due(
            {}, START + timedelta(minutes=5)
        )
        assert not seen.batches
        assert seen.passed[0].reason == "the schedule is no longer in the files"
        assert {row.state for row in reader.slots()} == {"missed"}


def test_while_nobody_can_say_who_is_meant_the_slot_waits_and_then_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    look(path, START - timedelta(days=1))

    def unknown(schedule: Schedule) -> list[ClientRef]:
        raise NimwrapError("nim does not answer")

    with Store.open(path) as store, Reader.open(path) as reader:
        engine = SlotClaimer(SlotQueue(store, reader), unknown)
        for minutes in (0, 10):
            seen = engine.claim_due({"nightly": NIGHTLY}, START + timedelta(minutes=minutes))
            assert [error.message for error in seen.troubles] == ["nim does not answer"]
            assert not seen.opened
        given_up = engine.claim_due({"nightly": NIGHTLY}, START + timedelta(minutes=20))
        assert "nim does not answer" in (given_up.opened[0].due.reason or "")
        assert reader.slots()[-1].state == "missed"
        assert not engine.claim_due({"nightly": NIGHTLY}, START + timedelta(minutes=30)).opened


def test_what_was_claimed_before_the_history_was_lost_is_ours_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    pair = {name: replace(NIGHTLY, name=name) for name in ("first", "second")}
    with Store.open(path) as store, Reader.open(path) as reader:
        engine = SlotClaimer(SlotQueue(store, reader), lambda _: CLIENTS)
        taken = []

        take = SlotQueue.take

        def once(slots: SlotQueue, *arguments: Any) -> list[ClientRef]:
            if taken:
                raise NimwrapError("the history is locked", "history_locked")
            taken.append(take(slots, *arguments))
            return taken[0]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SlotQueue, "take", once)
            seen = engine.claim_due(pair, START)
        assert [batch.schedule.name for batch in seen.batches] == ["first"]
        assert [error.code for error in seen.troubles] == ["history_locked"]
        later = engine.claim_due(pair, START + timedelta(minutes=1))
        assert [batch.schedule.name for batch in later.batches] == ["second"]


def test_a_name_that_could_belong_to_several_masters_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    seen = look(path, START, [ClientRef("", "aix99"), CLIENTS[0]])
    assert list(seen.batches[0].starts) == [CLIENTS[0]]
    with Reader.open(path) as reader:
        states = {row.client: (row.state, row.reason) for row in reader.slots()}
    assert states["aix99"][0] == "failed"
    assert "master/client" in states["aix99"][1]
