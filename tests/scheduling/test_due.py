"""``schedule list``, ``next``, ``validate``, ``run`` and ``due`` as a user calls them, against the estate."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.estate import Estate
from nimwrap.history.sqlite.queries import Reader
from tests.backup.evidence import writing
from tests.running import Cli, ConfigWriter, begin
from tests.scheduling.tables import ago, slots
from tests.waiting import LIMIT_S, until


def test_a_late_slot_begins_within_catch_up_once_and_says_how_late(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["powerha1", "aix01"], cron=ago(30), catch_up="2h")
    config = estate_config()
    due = run_cli("schedule", "due", "--json", config=config)
    assert (due.exit_code, due.json["command"]) == (0, "schedule due")
    assert {run["client"]: run["outcome"] for run in due.data["runs"]} == {"powerha1": "ok", "aix01": "ok"}
    rows = slots(estate)
    for client in ("powerha1", "aix01"):
        assert rows[client].state == "done"
        assert "late" in rows[client].reason
        assert rows[client].run in {run["id"] for run in due.data["runs"]}
    again = run_cli("schedule", "due", "--json", config=config)
    assert (again.exit_code, again.data["runs"], again.data["slots"]) == (0, [], [])


def test_a_slot_older_than_catch_up_is_a_row_and_nothing_is_started(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix0*"], cron=ago(120), catch_up="1h")
    due = run_cli("schedule", "due", "--json", config=estate_config())
    assert due.exit_code == 0  # nimwrap did not know the schedule then: nobody's fault
    assert due.data["runs"] == []
    assert {each["client"] for each in due.data["missed"]} == {"aix01", "aix02"}
    for row in slots(estate).values():
        assert row.state == "missed"
        assert "catch_up allows 1h 00m" in row.reason
    assert not estate.changes()


def test_a_slot_missed_since_the_last_look_is_exit_75(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix01"], cron=ago(26 * 60), catch_up="0s")
    config = estate_config()
    run_cli("schedule", "due", config=config)
    from nimwrap.domain.records import ClientRef
    from nimwrap.history.slot_claims import Opening
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.history.sqlite.slot_queue import SlotQueue
    from nimwrap.history.sqlite.store import Store

    two_days_ago = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2, hours=2)
    path = estate.root / "nimwrap" / "history.db"
    with Store.open(path) as store, Reader.open(path) as reader:
        store.database.conn.execute("delete from slots")
        opening = Opening("nightly", two_days_ago, [ClientRef("nim", "aix01")], missed=True, reason="test")
        assert SlotQueue(store, reader).open_slot(opening, two_days_ago)
    due = run_cli("schedule", "due", "--json", config=config)
    assert due.exit_code == 75
    assert len(due.data["missed"]) == 2
    assert due.codes == ["outside_window", "outside_window"]
    assert "schedule run" in due.json["errors"][0]["hint"]


def test_an_unknown_name_and_a_held_client_take_nobody_with_them(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    config = estate_config(groups={"all": ["aix01", "aix02", "nosuch"]})
    schedules(targets=["group:all"], cron=ago(5))
    assert run_cli("hold", "aix02", "--reason", "disk swap", config=config).exit_code == 0
    due = run_cli("schedule", "due", "--json", config=config)
    assert due.exit_code == 3
    outcomes = {run["client"]: (run["outcome"], (run["failure"] or {}).get("code")) for run in due.data["runs"]}
    assert outcomes == {
        "aix01": ("ok", None),
        "aix02": ("skipped", "held"),
        "nosuch": ("refused", "client_unknown"),
    }
    states = {client: row.state for client, row in slots(estate).items()}
    assert states == {"aix01": "done", "aix02": "skipped", "nosuch": "done"}
    assert "disk swap" in slots(estate)["aix02"].reason


def test_a_slot_that_means_nobody_is_a_fault(
    run_cli: Cli, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["db*"], cron="* * * * *")
    due = run_cli("schedule", "due", "--json", config=estate_config())
    assert (due.exit_code, due.codes) == (2, ["client_unknown"])


@pytest.mark.parametrize("command", [("due",), ("run", "nightly")])
def test_a_slot_in_which_everybody_is_held_is_not_done(
    run_cli: Cli, estate_config: ConfigWriter, schedules: Callable[..., None], command: tuple[str, ...]
) -> None:
    config = estate_config()
    schedules(targets=["aix02"], cron="* * * * *")
    assert run_cli("hold", "aix02", "--reason", "disk swap", config=config).exit_code == 0
    ran = run_cli("schedule", *command, "--json", config=config)
    assert ran.exit_code == 75
    assert "held" in ran.codes


def test_two_dues_at_the_same_instant_share_no_client(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None], tmp_path: Path
) -> None:
    schedules(targets=["*"], cron=ago(3), jitter="2s")
    config = estate_config()
    both = [begin(tmp_path, config, "schedule", "due") for _ in range(2)]
    for one in both:
        one.communicate(timeout=120)
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        runs = sorted(row.client for row in reader.runs())
    assert runs == ["aix01", "aix02", "powerha1", "powerha2"]


def test_while_the_master_is_out_of_reach_the_slot_is_kept(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix0*"], cron=ago(5))
    good = estate_config()
    text = good.read_text()
    good.write_text(text.replace(estate.shell("nim"), "/nonexistent/ksh"))
    first = run_cli("schedule", "due", "--json", config=good)
    assert first.exit_code == 12
    assert slots(estate) == {}
    good.write_text(text)
    second = run_cli("schedule", "due", "--json", config=good)
    assert second.exit_code == 0
    assert {row.state for row in slots(estate).values()} == {"done"}


def images(estate: Estate) -> int:
    """How many are there, or are being written."""
    files = (estate.files("nim") / "export/nim/mksysb").rglob("*.mksysb")
    return sum(path.stat().st_size > 0 for path in files)


def test_nothing_starts_after_the_window(
    estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None], tmp_path: Path
) -> None:
    schedules(targets=["aix01", "aix02"], cron=ago(1), window="6s")
    config = estate_config(master={"max_parallel": 1})
    for verb in (("schedule", "due"), ("schedule", "run", "nightly")):
        estate.hold_images()
        before = images(estate)
        running = begin(tmp_path, config, *verb, "--json")
        until(lambda before=before: images(estate) > before, "the first image is being written")
        closed = time.monotonic() + 6
        until(lambda closed=closed: time.monotonic() > closed, "the window closes")
        estate.release_images()
        runs = json.loads(running.communicate(timeout=LIMIT_S)[0])["data"]["runs"]
        assert running.returncode == 3
        outcomes = sorted((run["outcome"], (run["failure"] or {}).get("code")) for run in runs)
        assert outcomes == [("ok", None), ("skipped", "outside_window")]
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        assert [(row.schedule, bool(row.slot)) for row in reader.runs()] == [("nightly", False)] * 2 + [
            ("nightly", True)
        ] * 2


def test_a_due_that_is_told_to_end_leaves_the_rest_to_the_next_one(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None], tmp_path: Path
) -> None:
    estate.hold_images()
    schedules(targets=["aix01", "aix02"], cron=ago(1), window="1h")
    config = estate_config(master={"max_parallel": 1})
    due = begin(tmp_path, config, "schedule", "due", "--json")
    until(lambda: writing(estate), "the first image is being written")
    due.send_signal(signal.SIGTERM)
    due.communicate(timeout=60)
    assert due.returncode == 143
    estate.release_images()
    until(lambda: list((estate.files("nim") / "var/adm/nimwrap").glob("*/done")), "the operation came to its end")
    rest = run_cli("schedule", "due", "--json", config=config)
    assert rest.exit_code == 0
    assert len(rest.data["runs"]) == 1
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        runs = {row.client: row.outcome for row in reader.runs()}
    assert runs == {"aix01": "ok", "aix02": "ok"}
    assert {row.state for row in slots(estate).values()} == {"done"}


def test_list_and_next_show_local_and_utc_time_and_the_clients(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    keys = {"cron": "30 2 * * *", "timezone": "Australia/Melbourne", "jitter": "10m", "window": "6h"}
    schedules(targets=["powerha1", "aix0*"], **keys)
    schedules("yearly", targets=["aix01"], cron="0 0 1 1 *")
    config = estate_config()
    run_cli("schedule", "due", config=config)
    listed = run_cli("schedule", "list", "--json", config=config).data["schedules"]
    assert [one["name"] for one in listed] == ["nightly", "yearly"]
    assert (listed[0]["window_s"], listed[0]["jitter_s"], listed[0]["catch_up_s"]) == (21600, 600, 900)
    coming = run_cli("schedule", "next", "--days", "3", "--json", config=config).data["slots"]
    assert len(coming) in (3, 4)  # a New Year may be among them
    one = next(each for each in coming if each["schedule"] == "nightly")
    assert one["local"][11:16] == "02:30"
    assert parse_rfc3339(one["slot"]) == datetime.fromisoformat(one["local"])
    assert [each["client"] for each in one["clients"]] == ["powerha1", "aix01", "aix02"]
    spread = [(parse_rfc3339(each["start"]) - parse_rfc3339(one["slot"])).total_seconds() for each in one["clients"]]
    assert all(0 <= seconds <= 600 for seconds in spread)
    text = run_cli("schedule", "next", "nightly", "--days", "1", config=config)
    assert "02:30" in text.stdout and "powerha1 aix01 aix02" in text.stdout


def test_validate_tells_faults_with_lines_and_doubts_as_warnings(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None], tmp_path: Path
) -> None:
    config = estate_config()
    schedules(targets=["aix01", "nosuch"], cron="0 1 * * *", catch_up="0s", window="5m", jitter="10m")
    run_cli("schedule", "due", config=config)
    fine = run_cli("schedule", "validate", "--json", config=config)
    assert (fine.exit_code, fine.data["schedules"]) == (0, ["nightly"])
    said = " ".join(warning["message"] for warning in fine.json["warnings"])
    for part in ("nosuch", "in no schedule: nim/aix02, nim/powerha1, nim/powerha2", "jitter", "catch_up"):
        assert part in said
    schedules("broken", targets=["aix01"], cron="0 1 * *", timezone="Mars/Olympus")
    bad = run_cli("schedule", "validate", "--json", config=config)
    assert bad.exit_code == 78
    assert len(bad.json["errors"]) == 2
    assert "broken.toml:3:" in bad.json["errors"][0]["message"]
    assert run_cli("config", "validate", config=config).exit_code == 78
    assert run_cli("schedule", "due", config=config).exit_code == 78


def test_an_unknown_schedule_is_a_usage_error_with_the_nearest_name(
    run_cli: Cli, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix01"], cron="0 1 * * *")
    config = estate_config()
    for arguments in (["run", "nihgtly"], ["next", "nihgtly"]):
        wrong = run_cli("schedule", *arguments, "--json", config=config)
        assert wrong.exit_code == 2
        assert "did you mean nightly?" in wrong.json["errors"][0]["hint"]


def test_import_cron_prints_writes_new_files_and_never_overwrites(run_cli: Cli, tmp_path: Path) -> None:
    crontab = next((Path(__file__).parent / "crontabs").glob("02-*.crontab"))
    printed = run_cli("schedule", "import-cron", crontab, "--json")
    assert printed.exit_code == 0
    assert printed.data["written"] == []
    assert len(printed.data["comment_out"]) == 2
    target = tmp_path / "new"
    written = run_cli("schedule", "import-cron", "-", "--write", target, "--json", stdin=crontab.read_text())
    assert written.exit_code == 0
    assert [Path(path).name for path in written.data["written"]] == ["from-cron.toml", "from-cron.toml"]
    (target / "from-cron.toml").write_text("# mine")
    (target / "configuration" / "from-cron.toml").unlink()
    refused = run_cli("schedule", "import-cron", crontab, "--write", target, "--json")
    assert (refused.exit_code, refused.codes) == (1, ["file_exists"])
    assert [path.read_text() for path in target.rglob("*.toml")] == ["# mine"]
    (target / "from-cron.toml").unlink()
    (target / "configuration").rmdir()
    (target / "configuration").write_text("in the way")
    half = run_cli("schedule", "import-cron", crontab, "--write", target, "--json")
    assert (half.exit_code, half.codes) == (1, ["not_written"])
    assert str(target / "configuration") in half.json["errors"][0]["message"]
    assert [path.name for path in target.iterdir()] == ["configuration"]
    wrong = run_cli("schedule", "import-cron", crontab, "--timezone", "Mars/Olympus", "--json")
    assert wrong.exit_code == 2
    absent = run_cli("schedule", "import-cron", tmp_path / "absent", "--json")
    assert absent.exit_code == 1
    (tmp_path / "wide").write_bytes(crontab.read_text().encode("utf-16"))
    wide = run_cli("schedule", "import-cron", tmp_path / "wide", "--json")
    assert wide.exit_code == 2
    assert "UTF-16" in wide.json["errors"][0]["hint"]
    marked = run_cli("schedule", "import-cron", "-", "--json", stdin="\ufeff" + crontab.read_text())
    assert marked.data["schedules"] == printed.data["schedules"].replace(crontab.name, "stdin")


def test_a_name_that_two_masters_know_is_said_to_be_ambiguous_and_no_image_is_no_part(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix01"], cron=ago(2))
    config = estate_config()
    twin = f'[masters.nim2]\ntransport = "local"\nshell = "{estate.shell("nim")}"\n'
    config.write_text(f"{config.read_text()}\n{twin}")
    assert run_cli("status", "--refresh", config=config).exit_code == 1
    (doubt,) = [
        each
        for each in run_cli("schedule", "validate", "--json", config=config).json["warnings"]
        if "aix01" in each["message"] and "masters" in each["message"]
    ]
    assert doubt["message"] == "nightly: 2 masters know a client aix01"
    assert doubt["hint"] == "write nim/aix01 or nim2/aix01"
    ran = run_cli("schedule", "run", "nightly", "--json", config=config)
    assert (ran.exit_code, ran.codes, ran.data["runs"]) == (10, ["client_unknown"], [])
    assert "several do: write it as master/client" in ran.json["errors"][0]["message"]


def test_a_schedule_that_means_nobody_is_no_success(
    run_cli: Cli, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["zzz*"], cron=ago(2))
    ran = run_cli("schedule", "run", "nightly", "--json", config=estate_config())
    assert (ran.exit_code, ran.codes) == (2, ["usage"])
    assert "means no client" in ran.json["errors"][0]["message"]
