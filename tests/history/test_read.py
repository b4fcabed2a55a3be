"""What the questions answer, compared with the plain truth; and that none reads more than it must."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ClientRef, InventoryClient, Run
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.set_queries import SetQueries
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store
from tests.history.samples import a_run, an_image, at
from tests.running import ROOT

ENDS = [Outcome.OK, Outcome.OK, Outcome.WARNING, Outcome.FAILED, Outcome.SKIPPED]


def test_no_database_is_an_empty_history(path: Path) -> None:
    with Reader.open(path) as reader:
        answers = [reader.runs(), reader.runs(["*"]), reader.fleet(), reader.images(), reader.changes(), reader.known()]
        assert answers == [[]] * 6
        assert reader.last_good("nim", "powerha1") is None
        assert not path.parent.exists()
        with Store.open(path) as store:
            store.begin_run(a_run("r1"))
        assert [row.id for row in reader.runs()] == ["r1"]


@pytest.fixture
def many(store: Store) -> list[Run]:
    """120 runs of 12 clients of two masters; some begin in the same second."""
    random = Random(4)
    runs = []
    for number in range(120):
        client, master = f"aix{number % 6:02d}", random.choice(["nim", "nim2"])
        run = a_run(f"r{number:03d}", minutes=number // 2, client=client, master=master, outcome=random.choice(ENDS))
        store.record_run(run)
        runs.append(run)
    return runs


@pytest.mark.parametrize("targets", [[], ["aix00"], ["nim2/aix01"], ["aix0[12]", "nim/*3"], ["*"], ["nobody"]])
@pytest.mark.parametrize("outcomes", [(), ("ok",), ("failed", "skipped")])
@pytest.mark.parametrize("limit", [1, 3, 500])
def test_runs_are_the_newest_of_those_meant(
    reader: Reader, many: list[Run], targets: list[str], outcomes: tuple[str, ...], limit: int
) -> None:
    meant = {
        "aix00": lambda run: run.client == "aix00",
        "nim2/aix01": lambda run: (run.master, run.client) == ("nim2", "aix01"),
        "aix0[12]": lambda run: run.client in ("aix01", "aix02"),
        "nim/*3": lambda run: (run.master, run.client) == ("nim", "aix03"),
        "*": lambda run: True,
        "nobody": lambda run: False,
    }
    expected = [
        run.id
        for run in reversed(many)
        if (not targets or any(meant[target](run) for target in targets))
        and (not outcomes or run.outcome in outcomes)
        and run.started >= at(20)
    ]
    found = reader.runs(targets, since=at(20), outcomes=outcomes, limit=limit)
    assert [row.id for row in found] == expected[:limit]


def test_runs_can_be_asked_for_by_id_in_any_number(reader: Reader, many: list[Run]) -> None:
    ids = [run.id for run in many]
    wanted = [*reversed(ids), "nobody"] * 6
    assert [row.id for row in reader.runs_by_id(wanted)] == [run for run in wanted if run != "nobody"]


def test_every_client_with_a_run_or_in_an_inventory_is_known(store: Store, reader: Reader, many: list[Run]) -> None:
    store.record_inventory("a", [InventoryClient("new", "standalone")], at(0))
    refs = {ClientRef(run.master, run.client) for run in many} | {ClientRef("a", "new")}
    assert reader.known() == sorted(refs, key=str)


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store, reader: Reader) -> None:
    for minutes in (0, 1, 2):
        store.record_run(a_run(minutes=minutes, outcome=Outcome.OK))
    one = "20261122T140100-powerha1-0a1b"
    assert reader.run(one).id == one
    assert reader.run("20261122T1401").id == one
    assert reader.run("T140100").id == one
    for text, hint in (
        ("20261122T14", "say which: 20261122T140200-powerha1-0a1b, 20261122T140100-powerha1-0a1b, "),
        ("", "`nimwrap history` lists the runs"),
        ("20261122T140100-powerha1-0a1c", f"the nearest: {one}"),
        ("powerha2", "`nimwrap history` lists the runs"),
        ("%", "`nimwrap history` lists the runs"),
    ):
        with pytest.raises(NimwrapError) as caught:
            reader.run(text)
        assert (caught.value.code, caught.value.exit_code) == ("usage", 2)
        assert caught.value.hint.startswith(hint), text


def test_the_last_good_image_is_the_newest_that_was_proven_and_is_there(store: Store, reader: Reader) -> None:
    runs = [a_run(f"r{number}", minutes=number, outcome=Outcome.OK) for number in range(6)]
    for run in runs:
        store.record_run(run)
    images = [an_image(store, run) for run in runs]
    assert _last_good(reader) == images[5]
    store.update_image(images[5], fault="unreadable")
    store.update_image(images[4], removal="planned")
    store.update_image(images[3], verified=False)
    assert _last_good(reader) == images[2]
    store.update_image(images[2], removed=at(99))
    assert _last_good(reader) == images[1]
    assert reader.sizes("nim", "powerha1", limit=2) == [7_000_000, 7_000_000]
    store.update_image(images[5], fault=None, outcome=Outcome.WARNING)
    good = reader.last_good("nim", "powerha1")
    assert good is not None
    assert (good.image, good.outcome) == (images[5], "warning")


def test_the_fleet_has_every_client_the_master_lists(store: Store, reader: Reader) -> None:
    clients = [InventoryClient(name, "standalone") for name in ("good", "never", "vanished")]
    store.record_inventory("nim", clients, at(0))
    store.record_inventory("nim", clients[:2], at(1))
    for minutes, outcome in ((2, Outcome.OK), (3, Outcome.FAILED)):
        failure = Failure(FailureCode.STALLED, "no sign of life", "look") if outcome is Outcome.FAILED else None
        run = a_run(f"r{minutes}", minutes=minutes, client="good", outcome=outcome, failure=failure)
        store.record_run(run)
        if failure is None:
            an_image(store, run)
    store.hold("nim", "never", "new", at(5), at(9))
    rows = {row.client: row for row in reader.fleet()}
    assert list(rows) == ["good", "never", "vanished"]
    good = rows["good"]
    assert (good.last_good_run, good.last_run, good.last_outcome) == ("r2", "r3", "failed")
    assert (good.failure_code, good.failure_fix, good.hold) == ("stalled", "look", None)
    assert (rows["never"].last_good, rows["never"].last_run, rows["never"].hold) == (None, None, "new")
    assert rows["vanished"].vanished == "2026-11-22T14:01:00+00:00"


def test_durations_are_those_of_runs_that_made_an_image(store: Store, reader: Reader) -> None:
    for number, outcome in enumerate(ENDS):
        run = a_run(f"r{number}", minutes=number, outcome=outcome, ended=at(number + 1 + number))
        store.record_run(run)
    assert reader.durations("nim", "powerha1") == [180.0, 120.0, 60.0]
    assert reader.durations("nim", "powerha1", limit=1) == [180.0]


def test_each_kind_of_image_has_its_own_durations(store: Store, reader: Reader) -> None:
    for number, kind in enumerate(["mksysb", "savevg", "mksysb"]):
        run = a_run(f"r{number}", minutes=number, outcome=Outcome.OK, ended=at(number + 1 + number))
        store.record_run(replace(run, kind=kind))
    assert reader.durations("nim", "powerha1") == [180.0, 60.0]
    assert reader.durations("nim", "powerha1", "savevg") == [120.0]
    assert reader.durations("nim", "powerha1", "nim_db") == []


def test_remedies_are_proven_by_images_on_that_master_latest_first(store: Store, reader: Reader) -> None:
    for number, (master, remedy, outcome) in enumerate(
        [
            ("nim", "own-mount", Outcome.OK),
            ("nim", "pre-export", Outcome.WARNING),
            ("nim", "own-mount", Outcome.FAILED),
            ("nim2", "own-mount", Outcome.OK),
            ("nim2", None, Outcome.OK),
        ]
    ):
        store.record_run(a_run(f"r{number}", minutes=number, master=master, remedy=remedy, outcome=outcome))
    assert reader.remedies_proven("nim") == ("pre-export", "own-mount")
    assert reader.remedies_proven("nim2") == ("own-mount",)


def test_no_question_reads_a_table_that_grows(tmp_path: Path) -> None:
    benchmark = _benchmark()
    path = tmp_path / "history.db"
    benchmark.build(path, 10, 200)
    asked: set[str] = set()

    class Watched(benchmark.Timed):  # type: ignore[name-defined, misc]  # a module loaded by its path
        def __getattribute__(self, name: str) -> object:
            asked.add(name)
            return super().__getattribute__(name)

    reader = Watched(path)
    with Store.open(path) as store:
        for ask in benchmark.questions(SlotQueue(store, reader), reader, 10).values():
            ask()
    bad = {sql: plan for sql, plan in reader.plans.items() if any(map(benchmark.reads_whole_table, plan))}
    assert bad == {}
    assert benchmark.reads_whole_table("SCAN runs")
    public = {name for kind in (Reader, SetQueries) for name in vars(kind) if not name.startswith("_")}
    assert public - asked - {"open", "integrity", "altered_events"} == set(), (
        "questions that the benchmark does not ask"
    )


def _benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("history_queries", ROOT / "benchmarks" / "history_queries.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _last_good(reader: Reader) -> int | None:
    row = reader.last_good("nim", "powerha1")
    return None if row is None else int(row.image)
