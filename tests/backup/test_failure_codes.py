"""The failure codes of INTERFACE section 4 that test_failures.py does not provoke, each through the CLI."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nimwrap.domain.codes import FailureCode
from nimwrap.estate import Estate
from tests.backup.evidence import nothing_left, only_run
from tests.hosts.sshd import Sshd, make_key, needs_sshd
from tests.running import Cli, ConfigWriter, Ran


def failure(ran: Ran) -> tuple[int, str, str]:
    run = only_run(ran)
    assert run["failure"]["message"], "no failure is without words"
    return ran.exit_code, run["outcome"], run["failure"]["code"]


def test_export_denied_though_the_addresses_agree(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    """NIM's list names the client by name only; without a reverse entry the server does not know who comes."""
    estate.fault("no_ptr", ["10.10.10.103"])
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}))
    assert failure(ran) == (1, "failed", "export_denied")
    assert nothing_left(estate)


def test_export_conflict(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("standing_export", True)
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}))
    assert failure(ran)[2] == "export_conflict"
    assert ran.exit_code == 10
    assert "/export/nim" in only_run(ran)["failure"]["message"]


def test_nim_refused(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    """The client lacks the fileset that brings mksysb."""
    estate.fault("push_off", True, host="powerha2")
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}))
    assert failure(ran)[1:] in (("refused", "nim_refused"), ("refused", "client_unreachable"))
    assert ran.exit_code == 10


def test_unknown_keeps_the_raw_message(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    nim = estate.files("nim") / "usr/sbin/nim"
    nim.rename(nim.with_name("nim.real"))
    real = "/usr/sbin/nim.real"
    nim.write_text(
        f'#!/bin/sh\ncase "$*" in *size_preview*) exec {nim.with_name("nim.real")} "$@";; esac\n'
        f"echo '0042-999 nim: the moon is in the wrong house' >&2; exit 99 # not {real}\n"
    )
    nim.chmod(0o755)
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 1}))
    assert failure(ran) == (1, "failed", "unknown")
    assert "the moon is in the wrong house" in only_run(ran)["failure"]["message"]
    assert nothing_left(estate)


def test_a_hostile_name_in_nims_own_output(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    objects = estate.machine("nim")
    from nimwrap.estate import nimdb

    nimdb.set_attributes(objects, "powerha2", if1="net_10_10_10 $(touch/tmp/nimwrap-owned) 0 ent0")
    ran = run_cli("backup", "powerha2", "--json", config=estate_config())
    assert failure(ran) == (10, "refused", "name_invalid")
    assert not Path("/tmp/nimwrap-owned").exists()


def test_outside_window(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    schedules = config.parent / "schedules"
    schedules.mkdir(exist_ok=True)
    (schedules / "narrow.toml").write_text(
        '[narrow]\ncron = "0 1 * * *"\ntimezone = "UTC"\ntargets = ["aix0*"]\nwindow = "1s"\n'
    )
    text = config.read_text()
    config.write_text(f'schedules = "{schedules}"\n' + text if "schedules =" not in text else text)
    estate.setting(rate=20_000, image_size=100_000)
    slow = config.read_text().replace("[masters.nim]", "[masters.nim]\nmax_parallel = 1")
    config.write_text(slow)
    ran = run_cli("schedule", "run", "narrow", "--json", config=config)
    outcomes = {run["client"]: (run["outcome"], (run["failure"] or {}).get("code")) for run in ran.data["runs"]}
    assert ("skipped", "outside_window") in outcomes.values(), outcomes
    assert len(outcomes) == 2, "nobody is left out"


@pytest.fixture
def server(estate: Estate, tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path / "sshd", force_command=estate.shell("nim")) as running:
        yield running


@needs_sshd
@pytest.mark.sshd
@pytest.mark.parametrize("transport", ["ssh", "openssh"])
def test_the_founding_case_over_a_real_sshd(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, server: Sshd, transport: str
) -> None:
    config = estate_config(transport, master=server.master_keys())
    before = estate.exports_text()
    ran = run_cli("backup", "powerha1", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    assert only_run(ran)["remedy"] == "own-mount"
    assert estate.exports_text() == before
    assert run_cli("recover", "--json", config=config).exit_code == 0
    assert nothing_left(estate, only_run(ran)["image"]["location"])


@needs_sshd
@pytest.mark.sshd
@pytest.mark.parametrize("transport", ["ssh", "openssh"])
def test_a_changed_host_key(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, server: Sshd, transport: str
) -> None:
    config = estate_config(transport, master=server.master_keys())
    server.change_host_key()
    ran = run_cli("backup", "powerha1", "--json", config=config)
    assert (ran.exit_code, failure(ran)[2]) == (12, "host_key_changed")
    assert "ssh-keygen" in only_run(ran)["failure"]["fix"]
    assert estate.changes() == []


@needs_sshd
@pytest.mark.sshd
@pytest.mark.parametrize("transport", ["ssh", "openssh"])
def test_a_refused_login(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, server: Sshd, tmp_path: Path, transport: str
) -> None:
    stranger = make_key(tmp_path / "stranger")
    config = estate_config(transport, master=server.master_keys() | {"identity_file": str(stranger)})
    ran = run_cli("backup", "powerha1", "--json", config=config)
    assert (ran.exit_code, failure(ran)[2]) == (12, "login_refused")


def test_every_code_has_a_test_that_names_it() -> None:
    """A code that nothing provokes is a promise that nobody has tried."""
    root = Path(__file__).resolve().parents[1]
    said = subprocess.run(
        [
            "grep",
            "-rhoE",
            '"[a-z_]+"',
            str(root / "backup"),
            str(root / "faults"),
            str(root / "lab"),
            str(root / "fleet"),
            str(root / "scheduling"),
            str(root / "images"),
            str(root / "copies"),
            str(root / "hooks"),
            "--include=*.py",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    named = set(said.replace('"', "").split())
    assert {str(code) for code in FailureCode} - named == set()


def test_of_several_looks_at_a_client_the_last_one_is_its_findings(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.fault("no_ptr", ["10.10.10.103"])
    ran = run_cli("backup", "powerha2", "--json", config=estate_config(retry={"attempts": 2, "wait": "1s"}))
    run = only_run(ran)
    assert len(run["attempts"]) > 1, "it was tried again"
    checks = [finding["check"] for finding in run["findings"]]
    assert len(checks) == len(set(checks))


def test_where_the_master_never_answered_no_lock_is_spoken_of(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    assert run_cli("status", "--refresh", config=estate_config()).exit_code == 1
    config = estate_config()
    config.write_text(config.read_text().replace(estate.shell("nim"), "/nonexistent/ksh"))
    ran = run_cli("backup", "powerha2", config=config)
    assert ran.exit_code == 12
    assert "lock" not in ran.stderr
