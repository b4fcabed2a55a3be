"""Drills of level lpar: a sandbox LPAR is installed from the image, asked what it is, and NIM holds nothing for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli

BY_NIM = {"lab": {"client": "aix02", "spot": "spot_725", "timeout": "610s"}}
BY_HMC = {"lab": BY_NIM["lab"] | {"hmc": "hscroot@hmc1", "hmc_system": "frame1"}}
DRILL = ("images", "drill", "aix01", "--level", "lpar")


@pytest.fixture
def lab(lab_with: Callable[..., Lab]) -> Lab:
    made = lab_with(sandboxes=BY_NIM)
    made.run("mkdir", "-p", "/export/nim/spot")
    return made


@pytest.fixture
def image(lab: Lab) -> ImageRow:
    row = lab.make("aix01", 1, created=datetime.now(UTC) - timedelta(days=1))
    place = "location=/export/nim/spot"
    spot = ("define", "-t", "spot", "-a", "server=master", "-a", f"source={row.resource}", "-a", place, "spot_725")
    lab.run("/usr/sbin/nim", "-o", *spot)
    return row


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *words, **more: run_cli(*words, "--json", config=lab.file, **more)


def left(lab: Lab) -> list[Any]:
    spool, objects = lab.disk("/var/adm/nimwrap"), lab.estate.objects()
    given = [key for key in ("mksysb", "spot", "bosinst_data") if key in objects["aix02"]]
    return [
        *spool.glob("drills*"),
        *spool.glob("locks/*"),
        *given,
        *(name for name in objects if name.startswith("nimwrap_drill")),
        *(lab.estate.files("aix02") / "etc").glob("*.mark"),
        *filter(None, [lab.disk("/etc/xtab").read_text()]),
    ]


@pytest.mark.parametrize("sandboxes", [BY_NIM, BY_HMC], ids=["nim", "hmc"])
def test_the_machine_is_installed_asked_and_nim_holds_nothing(
    lab: Lab, image: ImageRow, nimwrap: Cli, sandboxes: dict[str, Any]
) -> None:
    lab.estate.setting(hmc="hscroot@hmc1")
    lab.configure(sandboxes=sandboxes)
    ran = nimwrap(*DRILL)
    (drill,) = ran.data["drills"]
    assert (ran.exit_code, drill["outcome"], drill["reason"]) == (0, "ok", None), ran
    assert "installed aix02" in drill["evidence"]
    assert any("rootvg" in line for line in drill["evidence"])
    assert left(lab) == []


def test_a_silent_hmc_or_no_spot_fails_and_leaves_nothing(lab: Lab, image: ImageRow, nimwrap: Cli) -> None:
    lab.configure(sandboxes=BY_HMC)
    silent = nimwrap(*DRILL)
    assert silent.exit_code == 1
    assert "HMC" in silent.data["drills"][0]["reason"]
    assert left(lab) == []
    lab.configure(sandboxes={"lab": {"client": "aix02", "disk": "hdisk1"}})
    refused = nimwrap(*DRILL)
    assert (refused.exit_code, refused.data["drills"][0]["outcome"]) == (10, "refused")
    lab.configure(sandboxes={"lab": BY_NIM["lab"] | {"spot": "spot_none"}})
    assert nimwrap(*DRILL).codes == ["nim_refused"]
    assert left(lab) == []


def test_what_nim_does_with_it_otherwise_is_left_alone(lab: Lab, image: ImageRow, nimwrap: Cli) -> None:
    lab.run("/usr/sbin/nim", "-o", "allocate", "-a", "spot=spot_725", "aix02")
    ran = nimwrap(*DRILL)
    assert (ran.exit_code, "nothing was begun" in ran.data["drills"][0]["reason"]) == (1, True), ran
    assert left(lab)[0] == "spot"
    assert lab.reader.drills_left("nim") == []


def test_killed_while_it_is_installed_recover_finishes_it(
    lab: Lab, image: ImageRow, nimwrap: Cli, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    assert nimwrap(*DRILL, env={"NIMWRAP_FAILPOINT_TRACE": str(trace)}).exit_code == 0
    labels = [line.split(" ", 1)[1] for line in trace.read_text().splitlines()]
    number = next(at for at, each in enumerate(labels, 1) if each.startswith("drill clears"))
    assert nimwrap(*DRILL, env={"NIMWRAP_FAILPOINT_KILL": str(number)}).exit_code == -9
    assert nimwrap("recover").exit_code == 0
    assert (lab.reader.drills_left("nim"), left(lab)) == ([], [])
