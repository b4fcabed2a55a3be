"""Groups within groups mean the same to every command and every schedule."""

from __future__ import annotations

from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter, Ran

MEANT = {"aix01", "powerha2"}
GROUPS = '\n[groups]\ninner = ["aix01"]\nouter = ["group:inner", "powerha2"]\n'


@pytest.fixture
def config(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> Path:
    estate.instant()
    path = estate_config()
    path.write_text(path.read_text() + GROUPS)
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "weekly.toml").write_text('[weekly]\ncron = "0 1 * * sun"\ntargets = ["group:outer"]\n')
    return path


def clients(ran: Ran, key: str) -> set[str]:
    return {one["client"] for one in ran.data[key]}


def test_commands_that_work_on_clients(run_cli: Cli, config: Path) -> None:
    checked = run_cli("check", "group:outer", "--json", config=config)
    assert (checked.exit_code, clients(checked, "clients")) == (0, MEANT)
    planned = run_cli("backup", "group:outer", "--dry-run", "--json", config=config)
    assert (planned.exit_code, clients(planned, "plan")) == (0, MEANT)
    optional = run_cli("backup", "--group", "outer", "--dry-run", "--json", config=config)
    assert clients(optional, "plan") == MEANT


def test_commands_that_look_at_what_was_made(run_cli: Cli, config: Path) -> None:
    assert run_cli("backup", "--all", "--json", config=config).exit_code == 0
    for verb, key in (
        (("history",), "runs"),
        (("images", "list"), "images"),
        (("images", "verify"), "images"),
        (("images", "prune", "--dry-run"), "decisions"),
    ):
        ran = run_cli(*verb, "group:outer", "--json", config=config)
        assert (ran.exit_code, clients(ran, key)) == (0, MEANT), verb
    run = run_cli("schedule", "run", "weekly", "--json", config=config)
    assert (run.exit_code, clients(run, "runs")) == (0, MEANT)


def test_schedules(run_cli: Cli, config: Path) -> None:
    run_cli("status", "--refresh", config=config)
    (slot,) = run_cli("schedule", "next", "--days", "7", "--json", config=config).data["slots"]
    assert {one["client"] for one in slot["clients"]} == MEANT
    status = run_cli("status", "--json", config=config).data["clients"]
    assert {one["client"] for one in status if one["next_run"]} == MEANT


@pytest.mark.parametrize("verb", [("backup",), ("check",), ("history",), ("images", "list"), ("images", "verify")])
def test_a_group_that_there_is_none_of_is_told_the_nearest(run_cli: Cli, config: Path, verb: tuple[str, ...]) -> None:
    ran = run_cli(*verb, "group:oter", "--json", config=config)
    assert (ran.exit_code, ran.codes) == (2, ["usage"])
    assert ran.json["errors"][0]["hint"] == "did you mean group:outer?"


def test_a_group_inside_itself_is_a_fault_of_the_configuration_for_every_command(run_cli: Cli, config: Path) -> None:
    config.write_text(config.read_text().replace('["aix01"]', '["group:outer"]'))
    for verb in ("backup", "check", "history"):
        ran = run_cli(verb, "group:outer", "--json", config=config)
        assert ran.exit_code == 78
        assert any("contains itself" in error["message"] for error in ran.json["errors"])
