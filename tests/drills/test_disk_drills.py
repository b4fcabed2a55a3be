"""Drills of level disk: a sandbox is restored to, looked at and left as it was, whatever fails or is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.load import load
from nimwrap.history.model import ImageRow
from tests.cutting import refuse
from tests.images.imagelab import Lab
from tests.running import Cli

SANDBOX = {"lab": {"client": "aix02", "disk": "hdisk1"}}
DRILL = ("images", "drill", "aix01", "--level", "disk", "--on", "lab")


@pytest.fixture
def lab(lab_with: Callable[..., Lab]) -> Lab:
    made = lab_with(sandboxes=SANDBOX)
    spare(made, "")
    return made


@pytest.fixture
def image(lab: Lab) -> ImageRow:
    return lab.make("aix01", 1, created=datetime.now(UTC) - timedelta(days=1))


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *words, **more: run_cli(*words, "--json", config=lab.file, **more)


def spare(lab: Lab, group: str) -> None:
    lab.estate.state.write("spare_disks", {"aix02": {"hdisk1": group}})


def left(lab: Lab) -> list[Any]:
    """Everything that a drill could leave: on the sandbox, in NIM, in the exports, in the spool."""
    there = lab.estate.files("aix02") / "tmp"
    spool = lab.disk("/var/adm/nimwrap")
    found: list[Any] = [*there.glob("nimwrap.*"), *spool.glob("drills*"), *spool.glob("locks/*")]
    disk = lab.estate.state.read("spare_disks")["aix02"]["hdisk1"]
    allocated = "mksysb" in lab.estate.objects()["aix02"]
    exported = lab.disk("/etc/xtab").read_text()
    return found + [each for each in (disk, allocated, exported) if each]


def only(ran: Any) -> dict[str, Any]:
    (drill,) = ran.data["drills"]
    found: dict[str, Any] = drill
    return found


def test_the_image_is_seen_as_a_sleeping_rootvg_and_removed_again(lab: Lab, image: ImageRow, nimwrap: Cli) -> None:
    ran = nimwrap(*DRILL)
    drill = only(ran)
    assert (ran.exit_code, drill["outcome"], drill["reason"]) == (0, "ok", None), ran
    assert drill["image"] == image.resource
    assert "lsvg altinst_rootvg" in drill["evidence"], drill
    assert any(line.startswith("lspv hdisk1 ") and "altinst_rootvg" in line for line in drill["evidence"])
    assert left(lab) == []
    (stored,) = lab.reader.last_drills()
    assert (stored.level, stored.sandbox, stored.outcome, stored.cleared is not None) == ("disk", "lab", "ok", True)


@pytest.mark.parametrize("group", ["datavg", "altinst_rootvg"])
def test_a_disk_in_use_is_left_alone(lab: Lab, image: ImageRow, nimwrap: Cli, group: str) -> None:
    spare(lab, group)
    ran = nimwrap(*DRILL)
    assert (ran.exit_code, only(ran)["outcome"]) == (1, "failed"), ran
    assert "not free" in only(ran)["reason"]
    assert left(lab) == [group]


def test_a_broken_image_or_a_silent_sandbox_fails_and_leaves_nothing(lab: Lab, image: ImageRow, nimwrap: Cli) -> None:
    lab.estate.fault("nimsh_down", True, "aix02")
    silent = nimwrap(*DRILL)
    assert (silent.exit_code, silent.codes) == (1, ["client_unreachable"]), silent
    assert silent.json["warnings"], "what cannot be looked at now is not called clear"
    lab.estate.fault("nimsh_down", None, "aix02")
    assert nimwrap("recover").exit_code == 0
    assert (lab.reader.drills_left("nim"), left(lab)) == ([], [])

    with lab.disk(image.location).open("r+b") as file:
        file.truncate(image.size_bytes - 5000)
    broken = nimwrap(*DRILL)
    assert (broken.exit_code, broken.codes) == (1, ["image_unreadable"]), broken
    assert left(lab) == []


def test_only_a_sandbox_is_overwritten_and_no_node_beside_its_cluster(lab: Lab, image: ImageRow, nimwrap: Cli) -> None:
    assert nimwrap(*DRILL[:-1], "aix02").exit_code == 2, "a client that is no sandbox"
    lab.configure(sandboxes={"lab": {"client": "aix01", "disk": "hdisk1"}})
    assert nimwrap(*DRILL).exit_code == 10
    lab.configure(sandboxes=SANDBOX, clients_table={"aix01": {"cluster": "app"}})
    ran = nimwrap(*DRILL)
    assert (ran.exit_code, only(ran)["outcome"]) == (10, "refused"), ran
    assert "PowerHA" in only(ran)["reason"]
    lab.run("/usr/sbin/nim", "-o", "change", "-a", "if1=net_lab aix02 0", "aix02")
    assert nimwrap(*DRILL).exit_code == 0, "a network of its own"
    lab.configure()
    assert nimwrap(*DRILL).exit_code == 2
    assert left(lab) == []


def test_killed_at_any_step_recover_leaves_nothing(lab: Lab, image: ImageRow, nimwrap: Cli, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    assert nimwrap(*DRILL, env={"NIMWRAP_FAILPOINT_TRACE": str(trace)}).exit_code == 0
    labels = [line.split(" ", 1)[1] for line in trace.read_text().splitlines()]
    for label in ("drill begun", "drills job", "drill clears"):
        number = next(at for at, each in enumerate(labels, 1) if each.startswith(label))
        killed = nimwrap(*DRILL, env={"NIMWRAP_FAILPOINT_KILL": str(number)})
        assert killed.exit_code == -9, (label, killed)
        assert nimwrap("recover").exit_code == 0
        assert (lab.reader.drills_left("nim"), left(lab)) == ([], []), label


def test_what_cannot_be_removed_yet_is_told_and_removed_later(lab: Lab, image: ImageRow, nimwrap: Cli) -> None:
    tool = lab.estate.files("aix02") / "usr/sbin/alt_rootvg_op"
    refuse(tool, "*", "0505-001 refused")
    ran = nimwrap(*DRILL)
    assert (ran.exit_code, len(ran.json["warnings"])) == (0, 1), ran
    assert len(lab.reader.drills_left("nim")) == 1
    refuse(tool, "", "")
    nimwrap("recover")
    assert (lab.reader.drills_left("nim"), left(lab)) == ([], [])


def test_a_sandbox_without_its_machine_or_disk_is_a_fault(lab: Lab, nimwrap: Cli) -> None:
    lab.file.write_text(lab.file.read_text().replace('disk = "hdisk1"', 'disk = "rootvg"'))
    ran = nimwrap("config", "validate")
    assert ran.exit_code == 78
    assert "hdisk1" in ran.stdout
    lab.configure(sandboxes=SANDBOX)
    assert load(lab.file).sandboxes["lab"].client == "aix02"
