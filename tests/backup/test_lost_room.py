"""The run's room on the master is gone, and its undo with it: what is exported decides, not what is believed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nimwrap.backup.recovery import recover
from nimwrap.config.load import load
from nimwrap.estate import Estate
from nimwrap.fleet.session import open_session
from tests.backup.evidence import BOOT, SERVICE, only_run
from tests.backup.unreachable import Failing
from tests.running import Cli, ConfigWriter


@pytest.fixture
def crashed(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> Callable[..., tuple[Path, dict[str, Any], str]]:
    """A run whose export stands as before its undo, as the history had it when its nimwrap died; no room is left."""

    def make(outcome: str, options: str = "") -> tuple[Path, dict[str, Any], str]:
        config = estate_config()
        run = only_run(run_cli("backup", "powerha1", "--json", config=config))
        with sqlite3.connect(estate.root / "nimwrap/history.db") as database:
            database.execute("update export_changes set state = 'applied', reverted = null")
            if outcome == "running":
                database.execute("update runs set outcome = 'running', ended = null")
            ((directory,),) = database.execute("select directory from export_changes").fetchall()
        (estate.files("nim") / directory.lstrip("/")).mkdir(parents=True)
        hosts = f"{BOOT}:{SERVICE}:powerha1:powerha1-vip"
        estate.add_export(f"{directory} {options or f'-rw,access={hosts},root={hosts}'}", permanent=False)
        return config, run, directory

    return make


def state(run_cli: Cli, config: Path) -> str:
    (change,) = run_cli("exports", "list", "--json", config=config).data["changes"]
    return str(change["state"])


@pytest.mark.parametrize("outcome", ["running", "ok"])
def test_an_export_that_still_stands_is_undone(run_cli: Cli, crashed: Any, estate: Estate, outcome: str) -> None:
    config, run, directory = crashed(outcome)
    assert directory in estate.exports_text().decode()
    ran = run_cli("recover", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    assert directory not in estate.exports_text().decode()
    assert state(run_cli, config) == "reverted"
    (ended,) = run_cli("history", "--json", config=config).data["runs"]
    assert (ended["outcome"], ended["image"]) == ("ok", run["image"])


def test_only_what_was_added_is_taken_away(run_cli: Cli, crashed: Any, estate: Estate) -> None:
    config, _, directory = crashed("running", f"-rw,access={SERVICE}:aix01,root={SERVICE}:aix01")
    assert run_cli("recover", config=config).exit_code == 0
    assert f"{directory} -rw,access=aix01,root=aix01" in estate.exports_text().decode().replace("\t", " ")
    assert state(run_cli, config) == "reverted"


def test_an_entry_that_cannot_be_understood_is_called_foreign(run_cli: Cli, crashed: Any, estate: Estate) -> None:
    config, run, directory = crashed("running")
    (estate.files("nim") / "etc/xtab").write_text(f"{directory} something else entirely\n")
    run_cli("recover", config=config)
    assert state(run_cli, config) == "foreign"
    ended = run_cli("show", run["id"], "--json", config=config).data["run"]
    assert (ended["outcome"], ended["failure"]["code"]) == ("warning", "export_conflict")


@pytest.mark.parametrize("outcome", ["running", "ok"])
def test_without_an_answer_of_the_master_it_stays_open_and_is_said(crashed: Any, estate: Estate, outcome: str) -> None:
    config, run, directory = crashed(outcome)
    with open_session(load(config)) as opened:
        session = replace(opened, hosts={"nim": Failing(opened.hosts["nim"], "subtract()")})
        (note,) = recover(session.master_context("nim"), session.reader, wait=True).notes
        assert note.startswith(run["id"]) and "the line is cut" in note
        (change,) = session.reader.changes(run=run["id"])
        assert change.state == "applied"
        assert session.reader.run(run["id"]).outcome == outcome
        assert directory in estate.exports_text().decode()
        assert recover(session.master_context("nim"), session.reader, wait=True).notes == []
        assert directory not in estate.exports_text().decode()


def test_a_spool_that_cannot_be_seen_is_not_an_empty_one(crashed: Any) -> None:
    config, run, _ = crashed("running")
    with open_session(load(config)) as opened:
        session = replace(opened, hosts={"nim": Failing(opened.hosts["nim"], "/var/adm/nimwrap", silently=True)})
        with pytest.raises(Exception, match="does not say what lies in"):
            recover(session.master_context("nim"), session.reader, wait=True)
        assert session.reader.run(run["id"]).outcome == "running"
