"""Whole commands over channels that carry less than a script: what comes of each, and that nothing stays behind."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.running import Ran, begin
from tests.waiting import LIMIT_S, until

Cli = Callable[..., Ran]


def left_on(estate: Any, host: str) -> list[str]:
    """What lies in the host's /tmp, and stray files where a command without a directory would make them."""
    tree = estate.files(host)
    usual = {
        "bin",
        "tmp",
        ".host",
        "usr",
        "etc",
        "var",
        "sbin",
        "home",
        "admin",
        "opt",
        "mnt",
        "export",
        "nim",
        "image.data",
    }
    return [f"/tmp/{path.name}" for path in (tree / "tmp").iterdir()] + [
        f"/{path.name}" for path in tree.iterdir() if path.name not in usual
    ]


def test_check_finds_out_and_remembers(estate: Any, estate_config: Callable[..., Path], run_cli: Cli) -> None:
    config = estate_config()
    estate.fault("channel_refuse", 512, "aix01")
    (seen,) = run_cli("check", "aix01", "--json", config=config).data["clients"]
    assert seen["verdict"] == "ready"
    assert seen["channel"]["route"] == "c_rsh:512"
    assert seen["channel"]["calls"] <= 40
    (again,) = run_cli("check", "aix01", "--json", config=config).data["clients"]
    assert again["channel"]["route"] == "c_rsh:512"
    assert again["channel"]["calls"] < seen["channel"]["calls"]
    history = sqlite3.connect(estate.root / "nimwrap" / "history.db")
    with history:
        history.execute("update channels set found = replace(found, '2026', '2025')")
    (after_a_year,) = run_cli("check", "aix01", "--json", config=config).data["clients"]
    assert after_a_year["channel"] == seen["channel"], "after 30 days it is found out anew"
    (found,) = history.execute("select found from channels").fetchone()
    assert "2025" not in found
    history.close()
    assert left_on(estate, "aix01") == []
    told = {one["check"]: one["message"] for one in run_cli("doctor", "--json", config=config).data["checks"]}
    assert told["channel:nim"].startswith("c_rsh in pieces of 512 bytes: 1 client")
    assert "started by setsid" in told["jobs:nim"]
    for unproven in ("3 of 4 clients", "comes to its end", "own-mount and pre-export"):
        assert unproven in told["unproven:nim"]


@pytest.mark.parametrize(
    ("fault", "value"),
    [("channel_refuse", 512), ("channel_cut", 1024), ("channel_without", "\"'$\\|<"), ("channel_wrapped", True)],
)
def test_own_mount_over_a_narrow_channel(
    estate: Any, estate_config: Callable[..., Path], run_cli: Cli, fault: str, value: Any
) -> None:
    config = estate_config()
    estate.fault(fault, value, "powerha1")
    ran = run_cli("backup", "powerha1", "--json", config=config)
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"], run["remedy"]) == (0, "ok", "own-mount"), ran.stdout
    shown = run_cli("show", run["id"], "--json", config=config).data["run"]
    assert shown["channel"]["route"].startswith("c_rsh:")
    assert 1 < shown["channel"]["calls"] <= 40
    assert f"{shown['channel']['calls']} calls" in run_cli("show", run["id"], config=config).stdout
    assert left_on(estate, "powerha1") == []


def test_where_nothing_of_ours_runs_ssh_is_the_way(
    estate: Any, estate_config: Callable[..., Path], run_cli: Cli
) -> None:
    config = estate_config()
    estate.fault("channel_methods_only", host="aix01")
    estate.fault("ssh_to_clients", host="aix01")
    (seen,) = run_cli("check", "aix01", "--json", config=config).data["clients"]
    assert (seen["verdict"], seen["channel"]["route"]) == ("ready", "ssh")
    assert run_cli("backup", "aix01", config=config).exit_code == 0


@pytest.mark.shells
@pytest.mark.skipif(not shutil.which("csh"), reason="csh is not installed (.ci/run installs it)")
def test_csh_gets_the_scripts_in_pieces_and_over_ssh_it_is_named(
    estate: Any, estate_config: Callable[..., Path], run_cli: Cli
) -> None:
    estate.fault("root_shell", shutil.which("csh"), "powerha1")
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"], run["remedy"]) == (0, "ok", "own-mount"), ran.stdout
    assert left_on(estate, "powerha1") == []
    estate.fault("ssh_to_clients", host="powerha1")
    ran = run_cli("check", "powerha1", "--json", config=estate_config(master={"client_channel": "ssh"}))
    (seen,) = ran.data["clients"]
    assert (ran.exit_code, seen["failure"]["code"]) == (10, "client_unreachable")
    assert "csh" in seen["failure"]["message"] and "chsh root" in seen["failure"]["fix"]
    assert left_on(estate, "powerha1") == []


@pytest.mark.parametrize(("fault", "value"), [("channel_methods_only", True), ("channel_refuse", 200)])
def test_without_a_way_the_refusal_is_true(
    estate: Any, estate_config: Callable[..., Path], run_cli: Cli, fault: str, value: Any
) -> None:
    estate.fault(fault, value, "aix01")
    ran = run_cli("check", "aix01", "--json", config=estate_config())
    (seen,) = ran.data["clients"]
    assert (ran.exit_code, seen["failure"]["code"]) == (10, "channel_narrow")
    assert "ssh" in seen["failure"]["fix"] and "startsrc" not in seen["failure"]["fix"]
    assert left_on(estate, "aix01") == []


def job_ways(config: Path, estate: Any) -> dict[str, bool]:
    from nimwrap.history.sqlite.queries import Reader

    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        return reader.job_ways("nim", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("faults", "way"),
    [
        ({"channel_group_ended": True}, "setsid"),
        ({"channel_group_ended": True, "no_perl": True}, "at"),
        ({"channel_no_background": True}, "at"),
        ({"channel_no_background": True, "no_at": True}, "held"),
    ],
)
def test_a_job_that_its_parent_ends_is_started_another_way(
    estate: Any, estate_config: Callable[..., Path], tmp_path: Path, faults: dict[str, bool], way: str
) -> None:
    """No image is complete before the ways that do not last have been seen to fail."""
    config = estate_config()
    for fault, value in faults.items():
        estate.fault(fault, value, "powerha1")
    estate.hold_images("powerha1")
    backup = begin(tmp_path, config, "backup", "powerha1", "--json")
    spool = estate.files("nim") / "var/adm/nimwrap"
    lost = "nw_job_lost=nohup\n"
    until(lambda: way == "setsid" or any(lost in out.read_text() for out in spool.glob("*/out")), "the way is lost")
    estate.release_images()
    stdout, _ = backup.communicate(timeout=LIMIT_S)
    (run,) = json.loads(stdout)["data"]["runs"]
    assert (backup.returncode, run["outcome"], run["remedy"], len(run["attempts"])) == (0, "ok", "own-mount", 1), stdout
    seen = job_ways(config, estate)
    assert [one for one, lost in seen.items() if not lost] == ([] if way == "setsid" else [way])
    assert left_on(estate, "powerha1") == []


def test_a_job_that_dies_whatever_started_it_is_told_as_lost(
    estate: Any, estate_config: Callable[..., Path], run_cli: Cli
) -> None:
    mksysb = estate.files("powerha1") / "usr/bin/mksysb"
    mksysb.unlink()
    mksysb.write_text("#!/bin/sh\nkill -9 $PPID\n")
    mksysb.chmod(0o755)
    config = estate_config(backup={"remedies": ["own-mount"]}, retry={"attempts": 1})
    before = estate.exports_text()
    ran = run_cli("backup", "powerha1", "--json", config=config)
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["failure"]["code"]) == (1, "client_job_lost"), ran.stdout
    assert estate.exports_text() == before
    assert left_on(estate, "powerha1") == []
