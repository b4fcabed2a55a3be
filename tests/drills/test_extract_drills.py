"""Drills of level extract as a user sees them: what comes out, what a broken image does, and that nothing is left."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.drills.drill_choice import due_drills
from nimwrap.fleet.session import open_session
from nimwrap.history.model import ImageRow
from nimwrap.scheduling.drills_due import drill_due
from tests.images.imagelab import Lab
from tests.running import Cli


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *words, **more: run_cli(*words, "--json", config=lab.file, **more)


def recent(lab: Lab, client: str = "aix01", age: float = 1) -> ImageRow:
    return lab.make(client, age, created=datetime.now(UTC) - timedelta(days=age))


def left(lab: Lab) -> list[Path]:
    spool = lab.disk("/var/adm/nimwrap")
    return [*spool.glob("drills*"), *spool.glob("locks/*")]


def only(ran: Any) -> dict[str, Any]:
    (drill,) = ran.data["drills"]
    found: dict[str, Any] = drill
    return found


def test_files_come_out_and_nothing_is_left(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab)
    ran = nimwrap("images", "drill", "aix01", "--level", "extract")
    drill = only(ran)
    assert (ran.exit_code, drill["outcome"], drill["reason"]) == (0, "ok", None), ran
    assert (drill["image"], drill["client"], drill["level"]) == (row.resource, "aix01", "extract")
    assert drill["took_s"] >= 0
    assert "of /etc: ./etc/hosts" in drill["evidence"], drill
    assert left(lab) == []
    told = {one["client"]: one["last_drill"] for one in nimwrap("status", "--refresh").data["clients"]}
    assert (told["aix01"]["outcome"], told["aix02"]) == ("ok", None)
    page = lab.file.parent / "report.html"
    assert nimwrap("report", "--output", str(page)).exit_code == 0
    assert 'data-drill="aix01"' in page.read_text()
    acts = [act for act in nimwrap("audit").data["acts"] if act["act"] == "drill"]
    assert [act["subject"] for act in acts] == [row.resource]


def test_who_was_never_drilled_is_next(lab: Lab, nimwrap: Cli) -> None:
    recent(lab, "aix01")
    recent(lab, "aix02")
    first, second = (only(nimwrap("images", "drill"))["client"] for _ in range(2))
    assert {first, second} == {"aix01", "aix02"}


def test_a_broken_image_fails_its_drill(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab)
    with lab.disk(row.location).open("r+b") as file:
        file.truncate(row.size_bytes - 5000)
    ran = nimwrap("images", "drill", "aix01")
    drill = only(ran)
    assert (ran.exit_code, drill["outcome"]) == (1, "failed"), ran
    assert ran.json["errors"][0]["code"] == "image_unreadable"
    assert left(lab) == []
    (stored,) = lab.reader.last_drills()
    assert (stored.outcome, stored.cleared is not None) == ("failed", True)


def test_without_an_image_or_with_a_wrong_level_nothing_begins(lab: Lab, nimwrap: Cli) -> None:
    recent(lab)
    nimwrap("status", "--refresh")
    ran = nimwrap("images", "drill", "aix02")
    assert (ran.exit_code, ran.json["errors"][0]["code"], ran.data["drills"]) == (1, "image_missing", [])
    assert nimwrap("images", "drill", "aix01", "--level", "whole").exit_code == 2
    assert nimwrap("images", "drill", "aix9").exit_code == 2
    assert left(lab) == []


def test_killed_at_any_step_it_is_finished_by_recover(lab: Lab, nimwrap: Cli, tmp_path: Path) -> None:
    recent(lab)
    trace = tmp_path / "trace"
    assert nimwrap("images", "drill", "aix01", env={"NIMWRAP_FAILPOINT_TRACE": str(trace)}).exit_code == 0
    labels = [line.split(" ", 1)[1] for line in trace.read_text().splitlines()]
    for label in ("drill begun", "drills job", "drill clears"):
        number = next(at for at, each in enumerate(labels, 1) if each.startswith(label))
        killed = nimwrap("images", "drill", "aix01", env={"NIMWRAP_FAILPOINT_KILL": str(number)})
        assert killed.exit_code == -9, (label, killed)
        assert nimwrap("recover").exit_code == 0
        assert (lab.reader.drills_left("nim"), left(lab)) == ([], []), label
        assert [drill.outcome for drill in lab.reader.last_drills()] != ["running"]


def test_drill_every_asks_for_one_and_schedules_carry_it_out(lab: Lab) -> None:
    row = recent(lab)
    now = datetime.now(UTC)
    lab.configure(backup={"drill_every": "30d"})
    assert due_drills(lab.config, [row], [], now) == [row]
    with open_session(lab.config) as session:
        soon = now + timedelta(minutes=10)
        assert drill_due(session, soon) == [], "a slot is near"
        assert drill_due(session, None) == [f"nim: drill of {row.resource}: ok"]
        assert drill_due(session, None) == []
    drills = lab.reader.last_drills()
    assert json.dumps([drill.level for drill in drills]) == '["extract"]'
    assert due_drills(lab.config, [row], drills, now + timedelta(days=31)) == [row]
