"""A slot whose nimwrap was told to leave, or was killed, before it had begun anything: nothing is lost by that."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.backup.evidence import writing
from tests.running import Cli, ConfigWriter, begin
from tests.sampling import some
from tests.scheduling.tables import ago
from tests.waiting import LIMIT_S, until

NARROW = {"max_parallel": 1}


def attempts(estate: Estate, client: str) -> int:
    path = estate.root / "nimwrap" / "history.db"
    sql = "select count(*) from attempts join runs on runs.id = attempts.run where client = ?"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        (count,) = database.execute(sql, (client,)).fetchone()
    return int(count)


@pytest.mark.parametrize("number", some([signal.SIGTERM, signal.SIGKILL], always=[signal.SIGTERM]))
def test_a_client_that_waited_for_an_image_slot_is_due_again(
    run_cli: Cli,
    estate: Estate,
    estate_config: ConfigWriter,
    schedules: Callable[..., None],
    tmp_path: Path,
    number: int,
) -> None:
    schedules(targets=["aix01"], cron=ago(2), window="2h", catch_up="2h")
    estate.hold_images("aix02")
    config = estate_config(master=NARROW)
    other = begin(tmp_path, config, "backup", "aix02", "--json")
    until(lambda: writing(estate), "the only image slot is taken")
    due = begin(tmp_path, config, "schedule", "due", "--json")
    until(lambda: attempts(estate, "aix01"), "aix01 waits for the slot")
    os.kill(due.pid, number)
    stdout, _ = due.communicate(timeout=LIMIT_S)
    assert due.returncode == (143 if number == signal.SIGTERM else -number)
    assert number == signal.SIGKILL or b"interrupted; nothing goes on" in stdout
    estate.release_images()
    other.communicate(timeout=LIMIT_S)
    assert other.returncode == 0
    again = run_cli("schedule", "due", "--json", config=config)
    assert again.exit_code == 0, again.stdout
    assert [(run["client"], run["outcome"]) for run in again.data["runs"]] == [("aix01", "ok")]
    spool = estate.files("nim") / "var/adm/nimwrap"
    assert not [path for path in spool.rglob("*") if "aix01" in path.name], "neither lock nor room is left"


def test_of_a_client_that_is_only_looked_at_nothing_is_said_to_go_on(
    estate: Estate, estate_config: ConfigWriter, tmp_path: Path, run_cli: Cli
) -> None:
    estate.fault("c_rsh_hang", host="aix01")
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "aix01", "--json")
    until(lambda: any("c_rsh" in one.argv[0] for one in estate.log()), "the client is looked at")
    os.kill(backup.pid, signal.SIGINT)
    stdout, _ = backup.communicate(timeout=LIMIT_S)
    assert backup.returncode == 130
    assert b"interrupted; nothing goes on" in stdout
    estate.fault("c_rsh_hang", None, host="aix01")
    assert run_cli("recover", "--json", config=config).exit_code == 0
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    assert (run["outcome"], run["failure"]["code"], run["attempts"]) == ("failed", "killed", [])
