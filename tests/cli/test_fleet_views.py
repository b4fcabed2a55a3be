"""``check`` and ``status`` of many clients: a row each, counted; of some; and the line for Nagios, whatever happens."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.cli.output.nagios_text import LIMIT, nagios_text
from nimwrap.estate import Estate
from tests.running import Ran

Cli = Callable[..., Ran]


@pytest.fixture
def config(estate: Estate, estate_config: Callable[..., Path]) -> Path:
    estate.instant()
    return estate_config()


def test_check_has_a_row_for_each_client_the_worst_first_and_counts_them(
    run_cli: Cli, estate: Estate, config: Path
) -> None:
    estate.fault("nimsh_down", host="aix02")
    ran = run_cli("check", "--all", config=config)
    assert ran.exit_code == 10
    rows = [line.split() for line in ran.lines]
    assert rows[0][:4] == ["CLIENT", "VERDICT", "WAY", "WHY"]
    assert [row[:3] for row in rows[1:3]] == [["aix02", "refused", "-"], ["powerha1", "warning", "own-mount"]]
    assert sorted(row[0] for row in rows[3:5]) == ["aix01", "powerha2"]
    assert {tuple(row[1:3]) for row in rows[3:5]} == {("ready", "nim")}
    assert "powerha1: fix: for good: set the Distribution Preference" in ran.stdout
    assert ran.lines[-1] == "4 clients: 1 refused, 1 warning, 2 ready."
    assert "rootvg: ok" not in ran.stdout
    full = run_cli("check", "--all", "--full", config=config)
    assert full.stdout.count("\trootvg: ok") == 3


def test_status_knows_the_clients_that_check_saw(run_cli: Cli, config: Path) -> None:
    assert run_cli("check", "aix01", config=config).exit_code == 0
    status = run_cli("status", "--json", config=config).data
    assert {one["client"] for one in status["clients"]} == {"powerha1", "powerha2", "aix01", "aix02"}
    assert status["inventory_age_s"] < 60


def test_status_of_some_clients_is_their_verdict(run_cli: Cli, config: Path) -> None:
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    one = run_cli("status", "aix01", "--json", config=config)
    assert (one.exit_code, [each["client"] for each in one.data["clients"]]) == (0, ["aix01"])
    assert one.data["verdict"] == "ok"
    assert run_cli("status", "aix0*", "--json", config=config).exit_code == 1
    assert run_cli("status", "nim/aix01", "--nagios", config=config).exit_code == 0
    unknown = run_cli("status", "aix11", config=config)
    assert (unknown.exit_code, "did you mean aix01" in unknown.stderr) == (2, True)


def test_bad_leaves_out_who_is_fine_and_still_counts_them(run_cli: Cli, config: Path) -> None:
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    bad = run_cli("status", "--bad", "--json", config=config)
    assert {each["client"] for each in bad.data["clients"]} == {"aix02", "powerha1", "powerha2"}
    assert "3 of 4 clients are not protected." in bad.data["summary"]
    text = run_cli("status", "--bad", config=config)
    assert not any(line.startswith("aix01 ") for line in text.lines)
    assert "1 client more is fine." in text.lines


@pytest.mark.parametrize("verb", ["status", "check"])
def test_nagios_gets_its_line_when_the_command_line_is_wrong(run_cli: Cli, config: Path, verb: str) -> None:
    for arguments in (("--nonsense",), ("nobody",)):
        ran = run_cli(verb, *arguments, "--nagios", config=config)
        assert (ran.exit_code, len(ran.lines)) == (3, 1)
        assert ran.stdout.startswith("NIMWRAP UNKNOWN - no ")


def test_nagios_gets_its_line_when_nimwrap_itself_fails(run_cli: Cli, estate: Estate, config: Path) -> None:
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    with sqlite3.connect(estate.root / "nimwrap" / "history.db") as database:
        database.execute("update images set created = 'no time'")
    ran = run_cli("status", "--nagios", config=config)
    assert (ran.exit_code, len(ran.lines)) == (3, 1)
    assert ran.stdout.startswith("NIMWRAP UNKNOWN - this is a bug in nimwrap: ")


def test_the_line_for_nagios_is_never_too_long_and_counts_what_it_leaves_out() -> None:
    perf = "ok=1 warning=2 critical=3 unknown=0 held=0 oldest=99s"
    reason = "\u00e4 very long reason | with a bar " * 12
    faults = [f"client{number:03}: {reason}" for number in range(40)]
    line = nagios_text("CRITICAL", "0 of 40 clients protected", faults, perf)
    assert len(line.encode()) <= LIMIT
    assert line.endswith(f" | {perf}")
    said = line.partition(" | ")[0]
    assert "|" not in said
    shown = sum(f"client{number:03}:" in said for number in range(40))
    assert said.endswith(f"; and {40 - shown} more")
    assert len(nagios_text("UNKNOWN", "x" * 5000)) <= LIMIT
    short = nagios_text("WARNING", "1 of 3 clients protected", ["a: one", "b: two"], perf)
    assert short == f"NIMWRAP WARNING - 1 of 3 clients protected; a: one; b: two | {perf}"
