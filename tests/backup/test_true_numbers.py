"""What is told of a run, a client and a site: durations without the queue, no trend out of three nights, no untruth."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.records import Run
from nimwrap.domain.stopwatch import Stopwatch
from nimwrap.estate import Estate
from nimwrap.history.sqlite.queries import Reader
from tests.backup.evidence import only_run, writing
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import until

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
EXPLAINED_BY_ROUNDING_S = 1.0


def test_waiting_for_ones_turn_is_no_part_of_the_duration(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    ran = run_cli("backup", "aix0*", "powerha2", "--json", config=estate_config(master={"max_parallel": 1}))
    runs = sorted(ran.data["runs"], key=lambda run: parse_rfc3339(run["started"]))
    assert [run["outcome"] for run in runs] == ["ok"] * 3, ran.stdout
    for earlier, later in pairwise(runs):
        assert parse_rfc3339(later["started"]) >= parse_rfc3339(earlier["ended"]), "one at a time"
        assert later["waited_s"] + EXPLAINED_BY_ROUNDING_S >= earlier["waited_s"] + earlier["duration_s"]
    for run in runs:
        whole = (parse_rfc3339(run["ended"]) - parse_rfc3339(run["started"])).total_seconds()
        assert 0 < run["duration_s"] <= whole + EXPLAINED_BY_ROUNDING_S


def test_the_wait_between_two_rounds_is_waiting(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("nimsh_down", host="powerha2")
    config = estate_config(retry={"attempts": 2, "wait": "1s", "max_wait": "1s"})
    run = only_run(run_cli("backup", "powerha2", "--json", config=config))
    whole = (parse_rfc3339(run["ended"]) - parse_rfc3339(run["started"])).total_seconds()
    assert run["waited_s"] >= 1
    assert run["duration_s"] <= whole - 1 + EXPLAINED_BY_ROUNDING_S


def test_no_duration_is_negative_whatever_clocks_do() -> None:
    set_back = Run("r", "aix01", "nim", NOW, ended=NOW - timedelta(hours=1))
    assert set_back.duration_s == 0
    seconds = iter([100.0, 40.0, 40.0, 40.0, 30.0, 30.0])
    watch = Stopwatch(lambda: next(seconds))
    watch.work()
    assert (watch.worked_s, watch.waited_s) == (0, 0)


def test_an_image_that_lists_no_names_or_few_is_faulty(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    verify = ("images", "verify", "aix01", "--full", "--json")
    assert run_cli(*verify, config=config).exit_code == 0
    history = estate.root / "nimwrap" / "history.db"
    with sqlite3.connect(history) as database:
        (counted,) = database.execute("select file_count from images").fetchone()
        database.execute("update images set file_count = file_count * 3, verified_full_at = null")
    few = run_cli(*verify, config=config)
    assert few.exit_code == 1, few.stdout
    assert str(3 * counted) in few.stdout
    with sqlite3.connect(history) as database:
        database.execute("update images set file_count = null, verified_full_at = null")
    assert run_cli(*verify, config=config).exit_code == 0
    restore = estate.files("nim") / "usr/sbin/restore"
    restore.unlink()
    restore.write_text("#!/bin/sh\nexit 0\n")
    restore.chmod(0o755)
    with sqlite3.connect(history) as database:
        database.execute("update images set verified_full_at = null")
    assert run_cli(*verify, config=config).exit_code == 1, "an image without one file restores nothing"


def test_a_client_whose_images_are_gone_was_backed_up_once(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    image = only_run(run_cli("backup", "aix01", "--json", config=config))["image"]["location"]
    (estate.files("nim") / image.lstrip("/")).unlink()
    run_cli("images", "verify", "aix01", config=config)
    shown = run_cli("status", "aix01", "aix02", "--json", config=config)
    lost, never = sorted(shown.data["clients"], key=lambda client: str(client["client"]))
    assert (lost["verdict"], lost["never_backed_up"]) == ("critical", False)
    assert (never["verdict"], never["never_backed_up"]) == ("critical", True)
    assert "never backed up" not in shown.json["errors"][0]["message"] + shown.json["errors"][1]["message"].replace(
        "never backed up", "", 1
    )


def test_slots_before_nimwrap_first_saw_a_schedule_are_nobodys_fault(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    schedules(targets=["aix01"], cron=f"{long_ago:%M %H} * * *", catch_up="1m")
    config = estate_config()
    assert run_cli("schedule", "due", "--json", config=config).data["missed"], "its row says so all the same"
    now = datetime.now(UTC)
    night = [(now - timedelta(days=1), now)]
    history = estate.root / "nimwrap" / "history.db"
    with Reader.open(history) as reader:
        assert (reader.missed_in(night), reader.missed_slots(now - timedelta(days=2))) == ([0], [])
    with sqlite3.connect(history) as database:  # as if nimwrap had been there before
        columns = "schedule, slot, master, client, state, claimed"
        sql = f"insert into slots ({columns}) select schedule, ?, 'nim', 'aix01', 'done', ?"
        before = (now - timedelta(days=1)).isoformat(timespec="seconds")
        database.execute(f"{sql} from slots limit 1", (before, before))
    with Reader.open(history) as reader:
        assert reader.missed_in(night) == [1]
        assert [missed.client for missed in reader.missed_slots(now - timedelta(days=2))] == ["aix01"]


def test_of_an_attempt_that_left_nothing_it_is_not_said_that_nothing_was_changed(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    estate.hold_images("aix01")
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "aix01")
    until(lambda: writing(estate), "the image is being written")
    backup.kill()
    backup.wait()
    spool = estate.files("nim") / "var/adm/nimwrap"
    estate.release_images()
    until(lambda: list(spool.glob("*/done")), "the wrapper is done")
    for room in spool.iterdir():  # an administrator tidies up
        shutil.rmtree(room)
    assert run_cli("recover", config=config).exit_code == 0
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    assert (run["outcome"], run["failure"]["code"]) == ("failed", "killed")
    assert run["attempts"][0]["started"]
    assert "nothing was changed" not in run["failure"]["message"]
