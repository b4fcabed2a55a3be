"""history, show, exports list, hold and release as a user calls them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import InventoryClient
from nimwrap.history.sqlite.store import Store
from tests.history.samples import EXPORTED, MESSAGE, a_run, at, config_for, tell_founding_case
from tests.running import Cli, Ran


@pytest.fixture
def config(path: Path) -> Path:
    return config_for(path.parent.parent)


@pytest.fixture
def call(run_cli: Cli, config: Path) -> Cli:
    def with_config(*arguments: str) -> Ran:
        return run_cli(*arguments, config=config)

    return with_config


@pytest.fixture
def told(store: Store) -> str:
    store.record_inventory("nim", [InventoryClient(name, "standalone") for name in ("powerha1", "aix01")], at(0))
    return tell_founding_case(store)


def test_nothing_recorded_is_no_error(call: Cli, path: Path) -> None:
    assert call("history").stdout == "No runs are recorded.\n"
    assert call("exports", "list").stdout == "No export change is in force.\n"
    assert call("history", "--json").data == {"runs": [], "more": False}
    assert not path.exists()


def test_history_lists_the_newest_first(call: Cli, told: str) -> None:
    ran = call("history")
    assert (ran.exit_code, ran.stderr) == (0, "")
    header, newest, older = ran.lines
    assert header.split() == ["RUN", "CLIENT", "STARTED", "(UTC)", "OUTCOME", "TOOK", "SIZE", "NOTE"]
    assert newest.split()[:2] == [told, "powerha1"]
    assert newest.split()[4:] == ["ok", "12m", "00s", "6.7", "MiB", "own-mount"]
    assert older.split()[4:] == ["refused", "10m", "00s", "-", "source_address_mismatch"]


def test_history_as_json_is_for_scripts(call: Cli, told: str) -> None:
    document = call("--json", "history", "nim/power*", "--outcome", "ok", "--limit", "1").json
    assert (document["command"], document["status"], document["exit_code"]) == ("history", "success", 0)
    assert [run["id"] for run in document["data"]["runs"]] == [told]
    assert "findings" not in document["data"]["runs"][0]
    assert call("history", "--limit", "1", "--json").data["more"] is True
    assert "--limit N shows more" in call("history", "--limit", "1").stdout


def test_history_of_a_known_client_without_runs_is_empty(call: Cli, told: str) -> None:
    assert call("history", "aix01", "--json").data["runs"] == []


def test_history_knows_groups(call: Cli, told: str, config: Path) -> None:
    config.write_text(config.read_text() + '[groups]\ncluster = ["powerha1", "not-yet-there"]\n')
    assert len(call("history", "group:cluster", "--json").data["runs"]) == 2
    wrong = call("history", "group:clusters")
    assert (wrong.exit_code, "did you mean group:cluster?" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["powerha11"], "no client is called 'powerha11'", "did you mean powerha1?"),
        (["aix9*"], "no client matches 'aix9*'", ""),
        (["--outcome", "green"], "'green' is no outcome", "ok, warning, failed"),
        (["--since", "yesterday"], "--since 'yesterday' is no time", "a duration"),
        (["--limit", "0"], "--limit", ""),
    ],
)
def test_history_refuses_what_it_does_not_know(
    call: Cli, told: str, arguments: list[str], message: str, hint: str
) -> None:
    ran = call("history", *arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert hint in ran.stderr


def test_show_knows_the_last_run_a_client_and_what_is_unique_of_an_id(call: Cli, told: str, store: Store) -> None:
    store.record_run(a_run("20270101T000000-aix01-77aa", client="aix01", minutes=99, outcome=Outcome.OK))

    def shown(run: str) -> str:
        return str(call("show", run, "--json").data["run"]["id"])

    assert shown("last") == shown("aix01") == shown("nim/aix01") == shown("77aa") == "20270101T000000-aix01-77aa"
    assert shown("powerha1") == told
    unknown = call("show", "aix02")
    assert (unknown.exit_code, "there is no run 'aix02'" in unknown.stderr) == (2, True)


def test_history_since_a_time(call: Cli, told: str) -> None:
    assert [run["id"] for run in call("history", "--since", "2026-11-22T14:30:00Z", "--json").data["runs"]] == [told]
    assert len(call("history", "--since", "2026-11-22T00:00:00+00:00", "--json").data["runs"]) == 2
    assert call("history", "--since", "2026-11-22T15:00:01Z", "--json").data["runs"] == []


def test_show_tells_the_story(call: Cli, told: str) -> None:
    ran = call("show", told)
    assert ran.exit_code == 0
    assert ran.lines[0] == f"Run {told}: ok"
    for said in (
        "nim/powerha1",
        "by hand",
        "powerha, ST_STABLE",
        "resource group app_rg: ONLINE on powerha1",
        "10.20.0.52 (by perl), not the one that is let in",
        "fix: Disable Firstalias",
        "           | perl: .52",
        "let in: 10.20.0.52",
        "before: not exported",
        EXPORTED,
        "return code 0, own-mount",
        "| 0512-038 mksysb: Backup Completed Successfully.",
        "yes, by 0512-038, lsmksysb",
        "command: list the exports",
    ):
        assert said in ran.stdout, said
    assert "reverted" in ran.stdout
    assert "/usr/sbin/exportfs" not in ran.stdout
    assert "/usr/sbin/exportfs" in call("show", told, "--full").stdout


def test_show_says_first_what_failed_and_what_to_do(call: Cli, told: str) -> None:
    ran = call("show", "20261122T1400")
    assert ran.lines[:4] == [
        "Run 20261122T140000-powerha1-0a1b: refused",
        "  source_address_mismatch: the packets leave with 10.20.0.52",
        "  fix:                     smitty cm_service_ip",
        f"     | {MESSAGE}",
    ]
    assert "1831-011" in ran.stdout
    assert "nimwrap explain 1831-011" in ran.stdout


def test_show_as_json_has_all_the_evidence(call: Cli, told: str) -> None:
    run = call("show", told, "--json").data["run"]
    assert run["attempts"][0]["output"].startswith("0512-038")
    assert run["events"][0]["data"]["stdout"] == EXPORTED
    assert run["export_changes"][0]["state"] == "reverted"
    assert run["explanations"] == []
    refused = call("show", "20261122T1400", "--json").data["run"]
    assert refused["explanations"][0]["code"] == "1831-011"


def test_show_of_a_run_that_goes_on_says_how_to_end_it(call: Cli, store: Store) -> None:
    store.begin_run(a_run("r1"))
    store.update_run("r1", phase="image")
    said = call("show", "r1").stdout
    assert "It has not ended (image)" in said
    assert "nimwrap cancel r1" in said


@pytest.mark.parametrize(
    ("text", "hint"),
    [("2026", "say which"), ("20261122T140000-powerha1-ffff", "nearest"), ("aix01", "nimwrap history")],
)
def test_show_of_an_unknown_run_names_the_nearest(call: Cli, told: str, text: str, hint: str) -> None:
    ran = call("show", text)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert hint in ran.stderr


def test_show_leaves_no_escape_sequence_of_a_host_through(call: Cli, store: Store) -> None:
    store.begin_run(a_run("r1"))
    store.event("command", "ls", run="r1", data={"stdout": "\x1b[31mred\x1b]0;title\x07", "returncode": 0}, at=at(0))
    said = call("show", "r1").stdout
    assert "\x1b" not in said
    assert "\\x1b[31mred" in said


def test_exports_list_has_those_in_force_first(call: Cli, store: Store, told: str) -> None:
    store.begin_run(a_run("r9", minutes=90))
    first = store.plan_change("r9", "nim", "/export/a", added=["10.20.0.60"], before=None, at=at(91))
    store.plan_change("r9", "nim", "/export/b", added=["10.20.0.60"], before=None, at=at(91))
    store.change_applied(first, "/export/a -rw", at(92))
    store.change_ended(first, "foreign", at(93), "not understood")  # type: ignore[arg-type]  # a word serves as well
    document = call("exports", "list", "--json").json
    assert document["command"] == "exports list"
    assert document["data"]["in_force"] == 2
    changes = document["data"]["changes"]
    assert [change["state"] for change in changes] == ["foreign", "planned", "reverted"]
    assert [change["directory"] for change in call("exports", "list", "--limit", "1", "--json").data["changes"]] == [
        "/export/a",
        "/export/b",
        "/export/nim/mksysb/powerha1",
    ]
    lines = call("exports", "list").lines
    assert lines[0] == "In force"
    assert lines.index("Journal") > lines.index("In force")
    assert "10.20.0.52" in lines[-1]


def test_hold_and_release(call: Cli, told: str, store: Store) -> None:
    held = call("hold", "powerha1", "--reason", "patching", "--until", "3d", "--json")
    assert (held.exit_code, held.json["warnings"]) == (0, [])
    assert (held.data["hold"]["client"], held.data["hold"]["master"]) == ("powerha1", "nim")
    assert held.data["hold"]["until"].endswith("+00:00")
    released = call("release", "nim/powerha1", "--json")
    assert released.data == {"released": [{"client": "powerha1", "master": "nim"}]}
    again = call("release", "powerha1")
    assert (again.exit_code, again.stdout) == (0, "powerha1 was not held\n")


def test_globs_and_groups_are_held_and_released(call: Cli, told: str, store: Store, config: Path) -> None:
    config.write_text(config.read_text() + '[groups]\ninner = ["powerha1"]\nouter = ["group:inner"]\n')
    store.record_inventory("nim", [InventoryClient("web1", "standalone"), InventoryClient("web2", "standalone")], at(0))
    held = call("hold", "web*", "group:outer", "--reason", "move", "--json").data["holds"]
    assert [one["client"] for one in held] == ["web1", "web2", "powerha1"]
    assert call("hold", "web9*", "--reason", "move").exit_code == 2
    assert [one["client"] for one in call("release", "web*", "powerha1", "--json").data["released"]] == [
        "web1",
        "web2",
        "powerha1",
    ]


def test_history_of_a_code_and_of_a_master(call: Cli, told: str, store: Store) -> None:
    busy = Failure(FailureCode.CLIENT_BUSY, "it is being installed")
    store.record_run(a_run("r-busy", minutes=7, outcome=Outcome.REFUSED, failure=busy))
    store.record_run(
        a_run("r-elsewhere", client="other01", master="nim2", minutes=8, outcome=Outcome.REFUSED, failure=busy)
    )

    def ids(*arguments: str) -> set[str]:
        return {run["id"] for run in call("history", *arguments, "--json").data["runs"]}

    assert ids("--code", "client_busy") == {"r-busy", "r-elsewhere"}
    assert ids("--code", "client_busy", "--master", "nim") == {"r-busy"}
    assert ids("--master", "nim2") == ids("other01", "--master", "nim2") == {"r-elsewhere"}
    assert ids("other01", "--master", "nim") == ids("--code", "stalled") == set()
    assert ids("--code", "client_busy", "--outcome", "ok") == set()
    for wrong in (["--code", "clientbusy"], ["--master", "nim3"]):
        ran = call("history", *wrong)
        assert (ran.exit_code, "did you mean" in ran.stderr) == (2, True)


def test_a_hold_of_an_unknown_name_is_kept_and_warned_of(call: Cli, told: str) -> None:
    ran = call("hold", "powerha3", "--reason", "new")
    assert (ran.exit_code, ran.stdout) == (0, "nim/powerha3 is held until it is released: new\n")
    assert "warning: nothing called powerha3 is known here" in ran.stderr
    assert call("release", "powerha3").stdout == "nim/powerha3 is released\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hold", "powerha1"], "--reason"),
        (["hold", "powerha1", "--reason", " "], "the reason is empty"),
        (["hold", "powerha1", "--reason", "x", "--until", "2020-01-01"], "already past"),
        (["hold", "powerha1", "--reason", "x", "--until", "soon"], "is no time"),
        (["hold", "powerha1", "--reason", "x", "--until", ""], "is no time"),
        (["history", "--since", ""], "is no time"),
        (["config", "show", ""], "is not a NIM name"),
        (["hold", "a;b", "--reason", "x"], "no client is called"),
        (["hold", "$(id)", "--reason", "x"], "no client is called"),
        (["hold", "other/powerha1", "--reason", "x"], "did you mean nim/powerha1"),
        (["release", "powerha8"], "did you mean powerha1?"),
    ],
)
def test_what_cannot_be_held_or_released_is_refused(call: Cli, told: str, arguments: list[str], said: str) -> None:
    ran = call(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_a_name_that_two_masters_know_must_be_said_in_full(call: Cli, store: Store, config: Path) -> None:
    config.write_text(config.read_text() + '[masters.nim2]\ntransport = "local"\n')
    for master in ("nim", "nim2"):
        store.record_inventory(master, [InventoryClient("aix01", "standalone")], at(0))
    ran = call("hold", "aix01", "--reason", "x")
    assert (ran.exit_code, "write nim/aix01 or nim2/aix01" in ran.stderr) == (2, True)
    assert call("hold", "nim2/aix01", "--reason", "x").exit_code == 0
    assert call("release", "aix01", "--json").data == {"released": [{"client": "aix01", "master": "nim2"}]}


def test_reading_loads_nothing_heavy(call: Cli, told: str, config: Path, run_cli: Cli) -> None:
    script = (
        "import sys; from nimwrap.cli.main import main; main(sys.argv[1:]);"
        "print(sorted(set(sys.modules) & {'sqlite_utils', 'rich', 'fabric', 'paramiko', 'apscheduler', 'jinja2'}))"
    )
    for verb in (["history"], ["show", told], ["exports", "list"]):
        argv = [sys.executable, "-c", script, "--config", str(config), *verb]
        assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == "[]"


def test_a_night_of_every_outcome_is_shown(call: Cli, store: Store) -> None:
    for minutes, outcome in enumerate(outcome for outcome in Outcome if outcome is not Outcome.RUNNING):
        store.record_run(a_run(f"r{minutes}", minutes=minutes, outcome=outcome))
    assert [line.split()[4] for line in call("history").lines[1:]] == [
        "locked",
        "skipped",
        "refused",
        "failed",
        "warning",
        "ok",
    ]
