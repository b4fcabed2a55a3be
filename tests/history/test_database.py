"""The file itself: who may have it, how it is opened, changed, copied, and refused."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.history.sqlite import schema
from nimwrap.history.sqlite.database import connect
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from tests.history.samples import a_run, config_for
from tests.running import ROOT, Cli

MORE = {**schema.MIGRATIONS, "m999_more": "alter table runs add column weather text;\n"}


def test_only_the_owner_can_enter(store: Store) -> None:
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_commits_are_durable_and_keys_are_held(store: Store) -> None:
    pragmas = {
        name: store.database.conn.execute(f"pragma {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_without_shared_memory_the_rollback_journal_serves(tmp_path: Path) -> None:
    connection = connect(tmp_path / "history.db", 1.0, vfs="unix-dotfile")
    assert connection.execute("pragma journal_mode").fetchone()[0] == "delete"
    connection.execute("create table t (a)")
    connection.close()


_OPENS = """import sys; from pathlib import Path
from nimwrap.history.sqlite.store import Store; Store.open(Path(sys.argv[1]))"""


def test_processes_that_make_the_database_at_once_do_not_clash(path: Path) -> None:
    assert _at_once(_OPENS, path, 4) == [0, 0, 0, 0]
    with Reader.open(path) as reader:
        assert reader.runs() == []


_MIGRATES = f"""
import sys
from pathlib import Path
from nimwrap.history.sqlite import schema
schema.MIGRATIONS.update({{"m999_more": {MORE["m999_more"]!r}}})
from nimwrap.history.sqlite.store import Store
Store.open(Path(sys.argv[1]))
"""


def test_a_copy_is_kept_before_the_schema_changes(path: Path) -> None:
    with Store.open(path) as store:
        store.begin_run(a_run("r1"))
    assert _at_once(_MIGRATES, path, 4) == [0, 0, 0, 0]
    copy = path.with_name("history.db.before-m999_more")
    assert [row[1] for row in _rows(path, "pragma table_info(runs)")][-1] == "weather"
    assert "weather" not in [row[1] for row in _rows(copy, "pragma table_info(runs)")]
    assert _rows(copy, "select id from runs") == [("r1",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir() if "copy" in entry.name) == []


def test_a_change_that_fails_leaves_the_schema_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    broken = "alter table runs add column weather text;\ncreate table runs (a);\n"
    monkeypatch.setitem(schema.MIGRATIONS, "m999_more", broken)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        Store.open(path)
    assert "weather" not in [row[1] for row in _rows(path, "pragma table_info(runs)")]


def test_a_reader_brings_an_older_database_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    monkeypatch.setitem(schema.MIGRATIONS, "m999_more", MORE["m999_more"])
    with Reader.open(path) as reader:
        assert list(reader.each("select weather from runs")) == []


@contextmanager
def the_first_schema() -> Iterator[None]:
    """As the first migration alone makes it; afterwards all are there again, in their order."""
    everything = dict(schema.MIGRATIONS)
    for name in list(everything)[1:]:
        del schema.MIGRATIONS[name]
    try:
        yield
    finally:
        schema.MIGRATIONS.clear()
        schema.MIGRATIONS.update(everything)


def test_what_a_check_measured_becomes_data(path: Path) -> None:
    """Only ``space`` had measured anything before there was a column for it."""
    with the_first_schema():
        Store.open(path).close()
    with closing(sqlite3.connect(path)) as before, before:
        before.execute(
            "insert into runs (id, client, master, outcome, started, owner_host, owner_pid)"
            " values ('r1', 'aix01', 'nim', 'ok', '2026-01-01', 'h', 1)"
        )
        row = "insert into findings (run, \"check\", status, message, evidence) values ('r1', ?, 'ok', '', ?)"
        before.execute(row, ("space", "/dev/fslv03 /export/nim: 4096 bytes free"))
        before.execute(row, ("tmp", "/dev/hd3 /tmp: 4096 bytes free"))
    with Store.open(path) as store:
        found = [finding["data"] for finding in store.database.query("select data from findings order by id")]
    assert [text and json.loads(text) for text in found] == [{"mounted_on": "/export/nim", "free_bytes": 4096}, None]


def test_a_newer_database_is_refused(path: Path, run_cli: Cli) -> None:
    assert _at_once(_MIGRATES, path, 1) == [0]
    for opened in (Store.open, Reader.open):
        with pytest.raises(StoreUnavailable) as caught:
            opened(path)
        assert caught.value.code == "history_newer"
        assert "m999_more" in caught.value.message
    ran = run_cli("history", "--json", config=config_for(path.parent.parent))
    assert (ran.exit_code, ran.codes) == (1, ["history_newer"])


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_damaged_file_is_named_with_the_way_out(path: Path, damage: str, run_cli: Cli) -> None:
    if damage == "text":
        path.parent.mkdir(mode=0o700)
        path.write_text("this is not a database\n" * 100)
    else:
        with Store.open(path) as store:
            store.begin_run(a_run("r1"))
            store.database.conn.execute("pragma wal_checkpoint(truncate)")
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * 8192 + whole[12288:])
    ran = run_cli("history", config=config_for(path.parent.parent))
    assert ran.exit_code == 1
    assert f"error: the history {path} is damaged" in ran.stderr
    assert f"cd {path.parent} && mkdir damaged && mv history.db* damaged/" in ran.stderr
    if damage == "text":
        held = run_cli("hold", "powerha1", "--reason", "x", config=config_for(path.parent.parent))
        assert (held.exit_code, "is damaged" in held.stderr) == (1, True)


def test_the_way_out_of_a_damaged_file_works(path: Path, run_cli: Cli) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("this is not a database\n" * 100)
    set_aside = f"cd {shlex.quote(str(path.parent))} && mkdir damaged && mv history.db* damaged/"
    subprocess.run(set_aside, shell=True, check=True)  # noqa: S602  as documented
    assert run_cli("history", config=config_for(path.parent.parent)).exit_code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_user_is_refused_with_the_line_to_run(path: Path, run_cli: Cli) -> None:
    Store.open(path).close()
    config = config_for(path.parent.parent)
    os.chown(path.parent, 12345, -1)
    seen = run_cli("history", "--limit", "3", config=config)
    assert seen.exit_code == 1
    assert f"sudo -u '#12345' nimwrap --config {config} history --limit 3" in seen.stderr
    held = run_cli("hold", "powerha1", "--reason", "two words", "--json", config=config)
    assert (held.exit_code, held.codes) == (1, ["state_owner"])
    assert "--reason 'two words'" in held.json["errors"][0]["hint"]


def test_a_state_directory_that_cannot_be_made_is_said_plainly(tmp_path: Path, run_cli: Cli) -> None:
    (tmp_path / "state").write_text("a file stands where the directory should be")
    ran = run_cli("hold", "powerha1", "--reason", "x", "--json", config=config_for(tmp_path))
    assert (ran.exit_code, ran.codes) == (1, ["history_unwritable"])
    assert str(tmp_path / "state") in ran.json["errors"][0]["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a read-only filesystem")
def test_a_reader_works_on_a_read_only_filesystem(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Store.open(state / "history.db") as store:
        store.begin_run(a_run("r1"))
    frozen = f"mount --bind {state} {state} && mount -o remount,ro,bind {state}"
    script = f'{frozen} && exec {sys.executable} -c "$0" {state}'
    reads = (
        "import sys; from pathlib import Path; from nimwrap.history.sqlite.queries import Reader;"
        "print([r.id for r in Reader.open(Path(sys.argv[1]) / 'history.db').runs()])"
    )
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, reads],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    if "mount" in ran.stderr or "unshare" in ran.stderr:
        pytest.skip(f"no mount here: {ran.stderr.strip()}")
    assert ran.stdout == "['r1']\n", ran.stderr


def _at_once(script: str, path: Path, processes: int) -> list[int]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = [subprocess.Popen([sys.executable, "-c", script, str(path)], env=environment) for _ in range(processes)]
    return [one.wait(timeout=60) for one in started]


def _rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(sql).fetchall()
    connection.close()
    return found
