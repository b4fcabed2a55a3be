"""A master that cannot be asked and of which no client is known yet: nobody may take it for one without clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter
from tests.scheduling.tables import ago, slots


@pytest.fixture
def config(estate_config: ConfigWriter) -> Path:
    path = estate_config()
    path.write_text(f'{path.read_text()}\n[masters.nim2]\ntransport = "local"\nshell = "/nonexistent/ksh"\n')
    return path


@pytest.mark.parametrize("targets", [("aix0*",), ("nim/aix01", "nim2/*")])
def test_a_backup_of_whatever_matches_names_it_and_is_partial(run_cli: Cli, config: Path, targets: Any) -> None:
    ran = run_cli("backup", *targets, "--json", config=config)
    assert ran.exit_code == 3, ran.stdout
    assert {run["outcome"] for run in ran.data["runs"]} == {"ok"}
    assert ran.codes == ["master_unreachable"]
    assert "nim2" in ran.json["errors"][0]["message"]


def test_what_does_not_mean_it_does_not_care(run_cli: Cli, config: Path) -> None:
    assert run_cli("backup", "nim/aix0*", "--json", config=config).exit_code == 0
    assert run_cli("backup", "nim2/*", "--json", config=config).exit_code == 12


def test_the_dry_run_says_the_same(run_cli: Cli, config: Path) -> None:
    ran = run_cli("backup", "--all", "--dry-run", "--json", config=config)
    assert (ran.exit_code, ran.codes) == (12, ["master_unreachable"])


def test_check_says_the_same(run_cli: Cli, config: Path) -> None:
    ran = run_cli("check", "--all", "--json", config=config)
    assert (ran.exit_code, ran.codes) == (12, ["master_unreachable"])
    assert {client["verdict"] for client in ran.data["clients"]} <= {"ready", "warning"}
    said = run_cli("check", "--all", "--nagios", config=config)
    assert said.exit_code == 2
    assert "nim2" in said.stdout


@pytest.mark.parametrize("verb", [("due",), ("run", "nightly")])
def test_a_schedule_says_the_same(
    run_cli: Cli,
    estate: Estate,
    config: Path,
    schedules: Callable[..., None],
    verb: tuple[str, ...],
) -> None:
    schedules(targets=["nim/aix01", "nim2/*"], cron=ago(2))
    ran = run_cli("schedule", *verb, "--json", config=config)
    assert (ran.exit_code, ran.codes) == (3, ["master_unreachable"]), ran.stdout
    assert [run["client"] for run in ran.data["runs"]] == ["aix01"]
    if verb == ("due",):
        row = slots(estate)[""]
        assert (row.master, row.state) == ("nim2", "failed")
        assert "could not be asked" in row.reason
