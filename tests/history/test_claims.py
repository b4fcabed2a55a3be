"""A slot is taken once, by whoever lives to begin it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nimwrap.domain.codes import Outcome
from nimwrap.domain.records import ClientRef
from nimwrap.history.slot_claims import Opening
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store
from tests.history.samples import NIGHT, a_run, at
from tests.running import ROOT

REF = ClientRef("nim", "powerha1")
_CLAIMS = """
import sys
from pathlib import Path
from nimwrap.domain.records import ClientRef
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store
from tests.history.samples import NIGHT
path = Path(sys.argv[1])
slots = SlotQueue(Store.open(path), Reader.open(path))
print("ready", flush=True)
sys.stdin.readline()
print(len(slots.take("weekly", NIGHT, [ClientRef("nim", "powerha1")])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def opened(store: Store, reader: Reader) -> SlotQueue:
    slots = SlotQueue(store, reader)
    assert slots.open_slot(Opening("weekly", NIGHT, [REF]), NIGHT)
    return slots


def test_of_eight_processes_one_has_the_slot(path: Path, opened: SlotQueue, reader: Reader) -> None:
    started = [_start(path) for _ in range(8)]
    for one in started:
        assert _line(one) == "ready"
    for one in started:
        _go(one)
    said = [_line(one) for one in started]
    assert opened.take("weekly", NIGHT, [REF]) == []
    for one in started:
        one.communicate()
    assert sorted(said) == [*["0"] * 7, "1"]
    assert len(reader.slots()) == 1


def test_a_claim_whose_process_died_is_free_again(path: Path, opened: SlotQueue, reader: Reader) -> None:
    claimer = _start(path)
    _go(claimer)
    assert [_line(claimer), _line(claimer)] == ["ready", "1"]
    assert opened.take("weekly", NIGHT, [REF]) == []
    assert opened.pending(NIGHT) == []
    claimer.kill()
    claimer.wait()
    assert [row.client for row in opened.pending(NIGHT)] == ["powerha1"]
    assert opened.take("weekly", NIGHT, [REF]) == [REF]
    assert opened.take("weekly", NIGHT, [REF]) == []
    assert len(list((path.parent / "owners").glob("claims-*"))) == 1


def test_a_slot_with_a_run_is_never_free_again(path: Path, opened: SlotQueue, reader: Reader) -> None:
    with Store.open(path) as first:
        assert SlotQueue(first, reader).take("weekly", NIGHT, [REF]) == [REF]
        first.begin_run(a_run("r1", schedule="weekly"), slot=NIGHT)
    assert opened.take("weekly", NIGHT, [REF]) == []
    assert [(row.state, row.run) for row in reader.slots()] == [("started", "r1")]
    opened.store.close_run(a_run("r1", schedule="weekly", outcome=Outcome.FAILED))
    assert [row.state for row in reader.slots(states=["done"])] == ["done"]
    assert reader.run("r1").slot == "2026-11-22T14:00:00+00:00"


def test_a_slot_is_opened_once(opened: SlotQueue, reader: Reader) -> None:
    other = ClientRef("nim", "powerha2")
    assert not opened.open_slot(Opening("weekly", NIGHT, [REF, other]), at(1))
    assert opened.open_slot(Opening("weekly", at(60), [REF, other]), at(60))
    assert opened.open_slot(Opening("nightly", NIGHT, [REF], missed=True, reason="the machine was down"), at(61))
    opened.end("weekly", at(60), [other], "skipped", "held")
    assert [(row.schedule, row.state, row.reason) for row in reader.slots(states=["missed", "skipped"])] == [
        ("nightly", "missed", "the machine was down"),
        ("weekly", "skipped", "held"),
    ]
    assert len(reader.slots(since=at(60))) == 2


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _CLAIMS, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
