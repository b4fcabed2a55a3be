"""Copies that nobody follows to their end: they go on, are taken up, or are taken away; and those that have to wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.copies.copy_plan import PlannedCopy
from nimwrap.copies.make_copy import make_copy
from tests.cutting import lost_once
from tests.images.imagelab import Lab
from tests.running import Cli, begin
from tests.waiting import until

COPIES = {"second": {"kind": "path", "directory": "/export/copies"}}
HELD = """\
#!/bin/sh
case $2 in
*.part)
  echo called >> {root}/calls
  while [ ! -f {root}/go ]; do
    [ ! -f {root}/die ] || {{ echo died >> {root}/calls; exit 1; }}
    sleep 0.1 || exit 1  # the estate is gone, and its sleep with it
  done ;;
esac
exec {real} "$@"
"""


@pytest.fixture
def lab(lab_with: Callable[..., Lab]) -> Lab:
    made = lab_with(copies=COPIES)
    made.make("aix01", 1, created=datetime.now(UTC) - timedelta(days=1))
    return made


@pytest.fixture
def held(lab: Lab, tmp_path: Path) -> Path:
    """The cp of a copy waits for the file ``go``, or dies by ``die``; ``calls`` has how often it was called."""
    tool = lab.disk("/usr/bin/cp")
    real = tool.rename(tool.with_name("cp.real"))
    tool.write_text(HELD.format(root=tmp_path, real=real))
    tool.chmod(0o755)
    return tmp_path


def states(lab: Lab) -> list[str]:
    return [copy.state for copy in lab.reader.copies()]


def test_a_copy_goes_on_without_us_and_is_taken_up_again(lab: Lab, held: Path, run_cli: Cli) -> None:
    first = begin(held / "home", lab.file, "images", "copy")
    until((held / "calls").exists, "the copy begins")
    first.kill()
    first.wait()
    assert states(lab) == ["making"]
    assert run_cli("recover", config=lab.file).exit_code == 0
    assert states(lab) == ["making"], "its job lives"
    (held / "go").touch()
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    assert (states(lab), (held / "calls").read_text().count("called")) == (["ok"], 1)


def test_a_copy_whose_job_died_with_the_master_is_taken_away(lab: Lab, held: Path, run_cli: Cli) -> None:
    first = begin(held / "home", lab.file, "images", "copy")
    until((held / "calls").exists, "the copy begins")
    first.kill()
    first.wait()
    (room,) = lab.disk("/var/adm/nimwrap/copies").glob("*.make")
    (room / "pid").write_text("999999\n")  # as after a reboot: another process has the number, or none
    draft = lab.disk(f"/export/copies/aix01/{lab.rows()[0].resource}.mksysb.part")
    draft.write_bytes(b"half")
    recovered = run_cli("recover", "--json", config=lab.file)
    assert recovered.exit_code == 0
    assert (states(lab), draft.exists(), room.exists()) == (["failed"], False, False)
    (held / "die").touch()  # what a reboot would have ended
    until(lambda: "died" in (held / "calls").read_text(), "the old job ends")
    (held / "die").unlink()
    (held / "go").touch()
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    assert states(lab) == ["ok"]


@pytest.mark.parametrize("word", ["nohup", "state absent", "mv -f", "rmdir"])
@pytest.mark.parametrize("after", [True, False])
def test_an_answer_that_never_came_is_no_copy_and_no_end(lab: Lab, run_cli: Cli, word: str, after: bool) -> None:
    """Whatever is lost on the way, nothing is called ok that is not, and the next pass ends it."""
    (row,) = lab.rows()
    context = lab.context
    context.host = lost_once(lab.host, word, after=after)
    result = make_copy(context, PlannedCopy(row, lab.config.copies["second"]), [])
    copy = lab.disk(result.location)
    if result.failure is None or states(lab) == ["ok"]:
        assert copy.read_bytes() == lab.disk(row.location).read_bytes()
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    assert (states(lab), copy.read_bytes()) == (["ok"], lab.disk(row.location).read_bytes())
    assert not lab.disk(f"{result.location}.part").exists()


def test_no_copy_begins_while_an_image_is_written_to_the_same_disk(lab: Lab, run_cli: Cli, tmp_path: Path) -> None:
    lab.estate.hold_images("aix02")
    running = begin(tmp_path / "home", lab.file, "backup", "aix02")
    try:
        until(lambda: list(lab.disk("/export/nim/mksysb/aix02").glob("*")), "an image is written")
        ran = run_cli("images", "copy", "aix01", "--json", config=lab.file)
        assert (ran.exit_code, ran.data["copies"][0]["state"]) == (11, "skipped"), ran
        assert "is being written" in ran.data["copies"][0]["reason"]
        lab.configure(copies={"second": COPIES["second"] | {"beside_backups": True}})
        assert run_cli("images", "copy", "aix01", config=lab.file).exit_code == 0
    finally:
        lab.estate.release_images()
        running.communicate(timeout=100)


def test_a_client_that_is_worked_on_is_left_for_the_next_time(lab: Lab, run_cli: Cli, tmp_path: Path) -> None:
    lab.configure(copies={"second": COPIES["second"] | {"beside_backups": True}})
    lab.estate.hold_images("aix01")
    running = begin(tmp_path / "home", lab.file, "backup", "aix01")
    try:
        until(lambda: lab.disk("/var/adm/nimwrap/slots/1/run").exists(), "a backup runs")
        ran = run_cli("images", "copy", "--json", config=lab.file)
        assert (ran.exit_code, ran.codes) == (11, ["locked"])
    finally:
        lab.estate.release_images()
        running.communicate(timeout=100)
