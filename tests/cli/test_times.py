"""One zone on a screen, named on it; what is in UTC beside it is called so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.running import Ran

Cli = Callable[..., Ran]
MELBOURNE = {"TZ": "Australia/Melbourne"}


@pytest.fixture
def config(estate: Estate, estate_config: Callable[..., Path], tmp_path: Path, run_cli: Cli) -> Path:
    estate.instant()
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "w.toml").write_text(
        '[weekly]\ncron = "0 1 * * sun"\ntimezone = "Europe/Berlin"\ntargets = ["*"]\n'
    )
    path = estate_config()
    assert run_cli("backup", "aix01", config=path).exit_code == 0
    return path


@pytest.mark.parametrize(
    ("verb", "column"),
    [
        (("status",), "LAST GOOD"),
        (("history",), "STARTED"),
        (("images", "list"), "MADE"),
        (("schedule", "list"), "NEXT"),
        (("schedule", "next"), "BEGINS"),
    ],
)
def test_the_zone_is_named_once(run_cli: Cli, config: Path, verb: tuple[str, ...], column: str) -> None:
    for env, name in ((MELBOURNE, "AEST/AEDT"), ({"TZ": "UTC"}, "UTC")):
        heading = run_cli(*verb, config=config, env=env).lines[0]
        assert f"{column} ({name})" in heading
        assert heading.count("(") - heading.count("(NAMED") == 1


def test_names_are_in_utc_and_said_to_be_beside_local_times(run_cli: Cli, config: Path) -> None:
    assert "RESOURCE (NAMED IN UTC)" in run_cli("images", "list", config=config, env=MELBOURNE).lines[0]
    assert "NAMED" not in run_cli("images", "list", config=config, env={"TZ": "UTC"}).lines[0]
    shown = run_cli("show", "last", config=config, env=MELBOURNE).stdout
    assert "AEST/AEDT; names of runs and images are in UTC" in shown
    plan = run_cli("images", "restore-plan", "aix01", config=config, env=MELBOURNE).stdout
    (made,) = [line for line in plan.splitlines() if line.startswith("made:")]
    assert made.endswith(" (the time in its name is UTC)")
    assert " AE" in made


def test_a_schedule_of_another_zone_shows_both_clocks(run_cli: Cli, config: Path) -> None:
    (row,) = run_cli("schedule", "next", "--days", "7", config=config, env=MELBOURNE).lines[1:2]
    assert "01:00 CE" in row
    assert "01:00 CE" not in row[:22]
