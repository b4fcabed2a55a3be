"""The database of the version before, with a run of every kind and state, is brought up to date by opening it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import Outcome
from nimwrap.domain.records import ChangeState
from nimwrap.history.sqlite import schema
from nimwrap.history.sqlite.queries import Reader
from tests.history.samples import config_for
from tests.running import Cli

BEFORE = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def migrated(path: Path) -> Path:
    """Where the old database lies, opened by nobody yet."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(BEFORE.read_text())
    return path


def test_the_old_database_has_every_kind_and_state(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as database:
        applied = [name for (name,) in database.execute(f"select name from {schema.MIGRATIONS_TABLE}")]  # noqa: S608 -- a constant
        outcomes = {outcome for (outcome,) in database.execute("select outcome from runs")}
        states = {state for (state,) in database.execute("select state from export_changes")}
        kinds = {kind for (kind,) in database.execute("select kind from runs")}
    assert applied == ["m001_first"]
    assert outcomes == set(Outcome)
    assert states == set(ChangeState)
    assert kinds == {"mksysb", "savevg", "ios_backup", "nim_db", "master_mksysb"}


def test_each_attempt_gets_its_plan(migrated: Path) -> None:
    with Reader.open(migrated) as reader:
        attempts = reader.attempts([run.id for run in reader.runs()])
        open_change = reader.open_changes("nim")[-1]
    plans = {(plan.run, plan.number): plan for plan in (AttemptPlan.from_json(one.plan or "") for one in attempts)}
    assert set(plans) == {(one.run, one.number) for one in attempts}
    assert len(plans) == 10
    assert plans["20261122T150000-powerha1-warn", 2].method == "own-mount"
    assert plans[open_change.run, 1].change == open_change.id


def test_nothing_is_lost_and_a_copy_is_kept(migrated: Path) -> None:
    tables = ("runs", "attempts", "findings", "images", "export_changes", "events", "holds", "clients", "slots")
    before = _counts(migrated, tables)
    Reader.open(migrated).close()
    assert _counts(migrated, tables) == before
    copy = migrated.with_name("history.db.before-m002_finding_data")
    assert _counts(copy, tables) == before
    with Reader.open(migrated) as reader:
        assert reader.integrity() == "ok"
        measured = {
            found.data["mounted_on"] for run in reader.runs() for found in reader.findings(run.id) if found.data
        }
    assert measured == {"/export/nim"}


FAULTS = {
    "image_truncated (quick): 4 of 15 GiB (full): no": ("image_truncated", "quick"),
    "image_unreadable (full): it cannot be read to its end": ("image_unreadable", "full"),
    "words alone (full): of a person": (None, None),
}


def test_a_fault_gets_its_code_and_level(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as database:
        ids = [row for (row,) in database.execute("select id from images order by id limit 3")]
        database.execute("update images set fault = null")
        database.executemany("update images set fault = ? where id = ?", zip(FAULTS, ids, strict=True))
        database.commit()
    with Reader.open(migrated) as reader:
        rows = reader.images(removed=True)
    assert {row.fault: (row.fault_code, row.fault_level) for row in rows if row.fault} == FAULTS
    assert {(row.fault_code, row.fault_level) for row in rows if not row.fault} == {(None, None)}


def test_every_verb_that_reads_understands_it(migrated: Path, run_cli: Cli) -> None:
    config = config_for(migrated.parent.parent)
    runs = run_cli("history", "--json", "--limit", "100", config=config).data["runs"]
    assert {run["outcome"] for run in runs} == set(Outcome)
    for run in runs:
        shown = run_cli("show", run["id"], "--json", config=config)
        assert (shown.exit_code, shown.data["run"]["id"]) == (0, run["id"])
    changes = run_cli("exports", "list", "--json", config=config).data["changes"]
    assert [change["state"] for change in changes if change["run"].endswith("aix02-open")] == ["planned"]
    assert len(run_cli("images", "list", "--json", config=config).data["images"]) == 10
    verdicts = {one["client"]: one["verdict"] for one in run_cli("status", "--json", config=config).data["clients"]}
    assert verdicts.keys() >= {"powerha1", "powerha2", "aix01", "aix02", "aix03", "aix04", "gone01", "vios1"}


def _counts(path: Path, tables: tuple[str, ...]) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        return {name: database.execute(f"select count(*) from {name}").fetchone()[0] for name in tables}  # noqa: S608
