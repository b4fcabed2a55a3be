"""Crontabs of the kinds found in the field: right schedules and settings, every other line with its reason."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.check import Checker
from nimwrap.scheduling.fromcron.output import schedules_toml, settings_toml
from nimwrap.scheduling.fromcron.plan import Plan, plan_import

FILES = sorted((Path(__file__).parent / "crontabs").glob("*.crontab"))


def planned(path: Path) -> tuple[Plan, dict[str, Any]]:
    return plan_import(path.read_text()), json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_schedules_and_settings_are_those_of_the_crontab(path: Path) -> None:
    plan, expected = planned(path)
    assert tomllib.loads(schedules_toml(plan, path.name)) == expected["schedules"]
    settings = tomllib.loads(settings_toml(plan))
    assert settings.get("backup", {}) == expected["backup"]
    assert settings.get("clients", {}) == expected["clients"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_is_accounted_for(path: Path) -> None:
    plan, expected = planned(path)
    reasons = {str(each.line.number): each.why for each in plan.not_understood}
    assert set(reasons) == set(expected["not_understood"])
    for line, why in expected["not_understood"].items():
        assert why in reasons[line], (line, reasons[line])
    assert [line.number for line in plan.unrelated] == expected["unrelated"]
    lines = len(plan.understood) + len(plan.not_understood) + len(plan.unrelated) + plan.passive
    assert lines == len(path.read_text().splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_not_carried_over_is_said(path: Path) -> None:
    plan, expected = planned(path)
    notes = {str(each.line.number): "\n".join(each.notes) for each in plan.understood}
    for line, texts in expected.get("notes", {}).items():
        for text in texts:
            assert text in notes[line]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_settings_are_a_valid_configuration(path: Path) -> None:
    plan, _ = planned(path)
    checker = Checker(tomllib.loads(settings_toml(plan)), path)
    checker.config()
    assert checker.faults == []


def test_a_clients_own_crontab_needs_the_clients_name() -> None:
    path = next(path for path in FILES if "client-itself" in path.name)
    plan = plan_import(path.read_text(), client="aix01")
    assert not plan.not_understood
    assert [schedule.targets for schedule in plan.schedules] == [["aix01"], ["aix01"]]
    assert plan.common["mksysb_flags"] == "ie"
    assert "directory" not in plan.common


def test_a_zone_that_is_given_holds_only_where_the_crontab_sets_none() -> None:
    lines = {path.stem[:2]: plan_import(path.read_text(), timezone="Asia/Kolkata") for path in FILES}
    assert {schedule.timezone for schedule in lines["01"].schedules} == {"Asia/Kolkata"}
    assert {schedule.timezone for schedule in lines["02"].schedules} == {"Australia/Melbourne"}
    assert {schedule.timezone for schedule in lines["09"].schedules} == {"Asia/Kolkata"}
