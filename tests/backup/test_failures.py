"""Each failure code that a backup can end with, provoked through the CLI: right code, right exit code, nothing left."""

from __future__ import annotations

from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.backup.evidence import nothing_left, only_run
from tests.faults.results import confirm, row
from tests.running import Cli, ConfigWriter

REFUSALS = [
    ("nimsh_down", True, "client_unreachable"),
    ("client_busy", True, "client_busy"),
    ("cpuid_mismatch", True, "client_identity"),
    ("rootvg_locked", True, "rootvg_locked"),
    ("cluster_unstable", True, "cluster_unstable"),
]


@pytest.mark.parametrize(("fault", "value", "code"), REFUSALS)
def test_preflight_refuses(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, fault: str, value: object, code: str
) -> None:
    estate.fault(fault, value, host="powerha2")
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}), timeout=180)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (10, "refused", code), ran.stdout
    assert run["failure"]["message"] and run["failure"]["fix"]
    assert run["attempts"] == []
    assert nothing_left(estate)
    row_of = {"client_busy": "client-busy", "cpuid_mismatch": "cpuid"}
    if fault in row_of:
        confirm(row_of[fault], row(run, ran.exit_code, []))


BAD_IMAGES = [
    ("truncated_image_rc0", ("image_truncated", "image_unreadable")),
    ("no_image_rc0", ("image_missing",)),
    ("wrong_host_image_rc0", ("image_wrong_host",)),
]


@pytest.mark.parametrize(("fault", "codes"), BAD_IMAGES)
def test_a_bad_image_is_found_though_nim_returned_0(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, fault: str, codes: tuple[str, ...]
) -> None:
    config = estate_config(retry={"attempts": 1})
    good = only_run(run_cli("backup", "powerha2", "--json", config=config))["image"]["location"]
    estate.fault(fault, True, host="powerha2")
    ran = run_cli("backup", "powerha2", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (1, "failed")
    assert run["failure"]["code"] in codes
    assert run["image"] is None
    assert nothing_left(estate, good), "the last good image is still there, and only that"
    row_of = {"truncated_image_rc0": "truncated", "no_image_rc0": "no-image", "wrong_host_image_rc0": "wrong-host"}
    confirm(row_of[fault], row(run, ran.exit_code, []))


def test_0512_003_keeps_the_image_and_warns(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("archive_warning", True, host="powerha2")
    ran = run_cli("backup", "powerha2", "--json", config=estate_config())
    run = only_run(ran)
    assert (ran.exit_code, ran.json["status"], run["outcome"]) == (3, "partial", "warning")
    assert run["failure"]["code"] == "archive_warning"
    assert run["image"]["verified"]
    assert nothing_left(estate, run["image"]["location"])
    confirm("archive-warning", row(run, ran.exit_code, [], note="the image is kept and marked"))


def test_disk_full_in_the_middle(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("disk_full", True)
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}))
    run = only_run(ran)
    assert run["failure"]["code"] == "space_short", run["failure"]
    assert run["outcome"] in ("failed", "refused")
    assert nothing_left(estate)
    confirm("disk-full", row(run, ran.exit_code, []))


def test_write_denied(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("write_denied", True)
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}))
    run = only_run(ran)
    assert (ran.exit_code, run["failure"]["code"]) == (1, "write_denied"), run["failure"]
    assert nothing_left(estate)
    confirm("write-denied", row(run, ran.exit_code, []))


@pytest.mark.parametrize("client", ["powerha1", "powerha2"])
def test_a_timeout_ends_the_operation_and_leaves_nothing(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, client: str
) -> None:
    estate.fault("nim_hang_midway", True)
    estate.fault("nfs_stall", True)
    before = estate.exports_text()
    config = estate_config(backup={"timeout": "4s", "stall": "60s"}, retry={"attempts": 1})
    ran = run_cli("backup", client, "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["failure"]["code"]) == (1, "timed_out"), run["failure"]
    assert estate.exports_text() == before
    assert nothing_left(estate)


def test_nim_that_never_returns_is_resolved_by_evidence(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.fault("nim_hang_after_image", True)
    config = estate_config(backup={"stall": "3s", "timeout": "60s"})
    ran = run_cli("backup", "powerha2", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (3, "warning"), ran.stdout
    assert run["failure"]["code"] == "stalled"
    assert run["image"]["verified"]
    assert nothing_left(estate, run["image"]["location"])
    confirm("nim-hangs-after", row(run, ran.exit_code, [], note="the image is proven by evidence"))


def test_a_master_that_cannot_be_reached(run_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    config = tmp_path / "nimwrap.toml"
    config.write_text(
        f'state_dir = "{tmp_path}/state"\n[masters.nim]\ntransport = "ssh"\nhost = "127.0.0.1"\nport = 1\n'
        f'known_hosts = "{tmp_path}/known_hosts"\n'
    )
    ran = run_cli("backup", "powerha1", "--json", config=config)
    assert ran.exit_code == 12
    run = only_run(ran)
    assert (run["outcome"], run["failure"]["code"]) == ("refused", "master_unreachable")


def test_a_held_client_named_explicitly_is_skipped(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    run_cli("backup", "powerha2", config=config)
    assert run_cli("hold", "powerha2", "--reason", "migration", config=config).exit_code == 0
    ran = run_cli("backup", "powerha2", "--json", config=config)
    assert (ran.exit_code, only_run(ran)["outcome"], only_run(ran)["failure"]["code"]) == (75, "skipped", "held")
    everybody = run_cli("backup", "--all", "--json", config=config)
    assert everybody.exit_code == 0, "a held client is listed, not counted"
    assert len(everybody.data["runs"]) == 4


def test_a_locked_client(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    lock = estate.files("nim") / "var/adm/nimwrap/locks/powerha2"
    lock.mkdir(parents=True)
    (lock / "run").write_text("20261123T000000-powerha2-beef\n")
    (lock / "owner").write_text("ctl2 pid 4711\n")
    (lock / "heartbeat").write_text("29990101000000\n")
    ran = run_cli("backup", "powerha2", "--json", config=estate_config())
    assert (ran.exit_code, only_run(ran)["outcome"], only_run(ran)["failure"]["code"]) == (11, "locked", "locked")
    assert "ctl2 pid 4711" in only_run(ran)["failure"]["message"]
    assert lock.exists()


def test_a_stale_lock_is_taken_over_with_a_record(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    lock = estate.files("nim") / "var/adm/nimwrap/locks/powerha2"
    lock.mkdir(parents=True)
    (lock / "run").write_text("20260101T000000-powerha2-beef\n")
    (lock / "owner").write_text("ctl2 pid 4711\n")
    (lock / "heartbeat").write_text("20260101000000\n")
    config = estate_config()
    ran = run_cli("backup", "powerha2", "--json", config=config)
    assert ran.exit_code == 0
    told = run_cli("show", only_run(ran)["id"], "--json", config=config).stdout
    assert "took over the lock of 20260101T000000-powerha2-beef" in told


def test_a_timeout_after_the_image_was_complete_keeps_it(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.fault("nim_hang_after_image", True)
    config = estate_config(backup={"stall": "5m", "timeout": "6s"})
    ran = run_cli("backup", "powerha2", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (3, "warning", "timed_out")
    assert run["image"]["verified"]
    assert nothing_left(estate, run["image"]["location"])
