"""How runs end that never came to an image: one true row for every client, whatever came in between."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from nimwrap.history.run_lease import owner_alive
from tests.backup.evidence import nothing_left, only_run, writing
from tests.cli.terminal import on_terminal
from tests.running import Cli, ConfigWriter, begin
from tests.scheduling.tables import ago
from tests.waiting import LIMIT_S, until


def retries(estate: Estate) -> int:
    """How many times a run of this estate's history was to be tried again."""
    path = estate.root / "nimwrap" / "history.db"
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            (count,) = database.execute("select count(*) from events where kind = 'retry'").fetchone()
        except sqlite3.OperationalError:  # its tables are being made
            return 0
    return int(count)


def ends(ran_history: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(run["outcome"], (run["failure"] or {}).get("code")) for run in ran_history]  # type: ignore[attr-defined]


def test_an_excluded_client_is_excluded_and_not_held(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix01"], cron=ago(2), window="2h", catch_up="2h")
    config = estate_config(clients={"aix01": {"exclude": True}})
    named = run_cli("backup", "aix01", "--json", config=config)
    assert (named.exit_code, named.codes) == (75, ["excluded"])
    assert ends(named.data["runs"]) == [("skipped", "excluded")]
    among = run_cli("backup", "aix0*", "--json", config=config)
    assert (among.exit_code, among.codes) == (0, [])
    assert sorted(ends(among.data["runs"])) == [("ok", None), ("skipped", "excluded")]
    due = run_cli("schedule", "due", "--json", config=config)
    assert (due.exit_code, due.codes) == (75, ["excluded"]), "a slot that backed nobody up is not done"
    assert run_cli("history", "--code", "excluded", "--json", config=config).data["runs"]
    assert run_cli("explain", "excluded", config=config).exit_code == 0


def test_a_refusal_that_can_pass_is_retried_where_nobody_waits_for_the_answer(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    estate.fault("nimsh_down", host="powerha2")
    config = estate_config(retry={"attempts": 2, "wait": "1s", "max_wait": "1s"})
    ran = run_cli("backup", "powerha2", "--json", config=config)
    assert (ran.exit_code, ends([only_run(ran)])) == (10, [("refused", "client_unreachable")])
    assert retries(estate) == 1, "a timer's call has no terminal"
    on_terminal("backup", "powerha2", home=tmp_path, config=config)
    assert retries(estate) == 1, "a person is told at once"
    on_terminal("backup", "powerha2", "--retry", home=tmp_path, config=config)
    assert retries(estate) == 2
    on_terminal("backup", "powerha2", "aix01", home=tmp_path, config=config)
    assert retries(estate) == 3, "who asks for several waits for them anyway"


def test_a_run_that_is_interrupted_between_two_rounds_ends_as_its_round_did(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    estate.fault("nimsh_down", host="powerha2")
    config = estate_config(retry={"wait": "1h", "max_wait": "1h"})
    backup = begin(tmp_path, config, "backup", "powerha2", "--json")
    until(lambda: retries(estate), "it waits for its second round")
    os.kill(backup.pid, signal.SIGTERM)
    stdout, _ = backup.communicate(timeout=LIMIT_S)
    assert backup.returncode == 143
    (run,) = json.loads(stdout)["data"]["runs"]
    assert (run["outcome"], run["failure"]["code"]) == ("refused", "client_unreachable")
    assert "interrupted" in run["failure"]["message"], "and why there was no further try"
    assert ends(run_cli("history", "--json", config=config).data["runs"]) == [("refused", "client_unreachable")]


def test_a_client_that_waited_for_a_lock_until_its_window_closed_has_one_row(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None], tmp_path: Path
) -> None:
    schedules("narrow", targets=["aix01"], cron="0 1 * * *", window="1s")
    estate.hold_images("aix01")
    config = estate_config()
    other = begin(tmp_path, config, "backup", "aix01", "--json")
    until(lambda: writing(estate), "somebody else's image of aix01 is being made")
    ran = run_cli("schedule", "run", "narrow", "--json", config=config)
    assert ran.exit_code == 75
    assert ends(ran.data["runs"]) == [("skipped", "outside_window")]
    assert len(run_cli("history", "--json", config=config).data["runs"]) == 2
    estate.release_images()
    other.communicate(timeout=LIMIT_S)
    runs = run_cli("history", "--json", config=config).data["runs"]
    assert sorted(ends(runs)) == [("ok", None), ("skipped", "outside_window")]


@pytest.mark.parametrize("good", [True, False])
def test_a_run_follows_an_earlier_one_of_the_same_installation_that_goes_on_alone(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path, good: bool
) -> None:
    estate.hold_images("powerha2")
    config = estate_config(retry={"attempts": 1})
    first = begin(tmp_path, config, "backup", "powerha2")
    until(lambda: writing(estate), "the image is being written")
    first.kill()
    first.wait()
    (earlier,) = run_cli("history", "--json", config=config).data["runs"]
    second = begin(tmp_path, config, "backup", "powerha2", "--json")
    until(lambda: owner_alive(estate.root / "nimwrap", earlier["id"]), "the second one follows it")
    if not good:
        estate.fault("truncated_image_rc0", host="powerha2")
    estate.release_images()
    stdout, _ = second.communicate(timeout=LIMIT_S)
    (run,) = json.loads(stdout)["data"]["runs"]
    runs = run_cli("history", "--json", config=config).data["runs"]
    of_first = next(one for one in runs if one["id"] == earlier["id"])
    if good:
        assert (second.returncode, of_first["outcome"]) == (0, "ok"), stdout
        assert (run["outcome"], run["failure"]["code"]) == ("skipped", "locked")
        assert earlier["id"] in run["failure"]["message"]
        assert nothing_left(estate, of_first["image"]["location"])
    else:
        assert of_first["outcome"] == "failed"
        assert run["outcome"] == "failed", "its own image was begun after that"
        assert run["attempts"]
