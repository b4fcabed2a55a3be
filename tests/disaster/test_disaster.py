"""The image file system of the master and the state directory of the control host are empty: what brings them back."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli

IMAGES = "/export/nim/mksysb"
COPIES = {
    "second": {"kind": "path", "directory": "/export/copies", "keep": 3},
    "dr": {"kind": "nim", "to": "nim2", "directory": "/export/nim/copies", "keep": 1},
}


def emptied(directory: Path) -> None:
    for each in directory.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def recent(lab: Lab, client: str, age: float) -> ImageRow:
    return lab.make(client, age, created=datetime.now(UTC) - timedelta(days=age))


KEPT = (
    *("client", "master", "kind", "resource", "location", "size_bytes", "created", "verified", "verified_by"),
    *("verified_at", "verified_full_at", "outcome", "oslevel", "managed", "pinned"),
)


def told(ran: Any) -> list[dict[str, Any]]:
    return sorted(({name: one[name] for name in KEPT} for one in ran.data["images"]), key=lambda one: one["created"])


@pytest.fixture
def lab(lab_with: Callable[..., Lab]) -> Lab:
    return lab_with(second_master=True, second=True, copies=COPIES)


def test_from_copies_and_manifests_alone(lab: Lab, run_cli: Cli, tmp_path: Path) -> None:
    rows = [recent(lab, "aix01", 3), recent(lab, "aix01", 2), recent(lab, "aix02", 1)]
    assert run_cli("images", "pin", str(rows[0].id), config=lab.file).exit_code == 0
    assert run_cli("images", "verify", "--full", "aix01", config=lab.file).exit_code == 0
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    assert run_cli("schedule", "due", config=lab.file).exit_code == 0
    before = told(run_cli("images", "list", "--json", config=lab.file))
    copies = run_cli("images", "copies", "--json", config=lab.file).data["copies"]
    lab.close()

    emptied(lab.disk(IMAGES))
    emptied(lab.config.state_dir)
    assert run_cli("images", "restore-plan", "nim/aix01", config=lab.file).exit_code != 0
    back = run_cli("images", "import", "--json", config=lab.file)
    assert back.exit_code == 0, back
    after = told(run_cli("images", "list", "--json", config=lab.file))
    assert after == before
    again = run_cli("images", "copies", "--json", config=lab.file).data["copies"]
    same = ("image", "client", "name", "kind", "location", "checksum", "state", "made", "verified_at")
    assert [{k: one[k] for k in same} for one in again] == [{k: one[k] for k in same} for one in copies]
    assert run_cli("images", "verify", "--copies", config=lab.file).exit_code == 0
    assert run_cli("images", "import", "--json", config=lab.file).data["images"] == [], "nothing twice"

    planned = run_cli("images", "restore-plan", "nim/aix01", "--json", config=lab.file)
    plan = planned.data["plan"]
    assert (planned.exit_code, plan["image"]["copy"]) == (0, "second"), planned
    assert plan["image"]["location"] == f"/export/copies/aix01/{rows[1].resource}.mksysb"
    for step in plan["steps"]:
        if step["command"].startswith(("/usr/sbin/", "mkdir")):
            assert lab.estate_run("nim", step["command"]) == 0, step
        if step["command"].startswith("nimwrap hold"):
            for command in step["command"].split(" && "):
                assert run_cli(*command.split()[1:], config=lab.file).exit_code == 0, command
    assert lab.estate.objects()["aix01"]["mksysb"] == plan["image"]["resource"]

    pinned = run_cli("images", "copy", "--dry-run", "--json", config=lab.file)
    assert (pinned.exit_code, pinned.data["removals"]) == (0, []), "retention goes on as it was"


def test_what_lies_beside_a_copy_is_enough_without_nimwrap(lab: Lab, run_cli: Cli) -> None:
    """Each command of RESTORE.txt is accepted by the estate, on the master that it speaks of."""
    recent(lab, "aix01", 1)
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    for master, place in (("nim", "/export/copies/aix01"), ("nim2", "/export/nim/copies/aix01")):
        text = lab.estate.read(master, f"{place}/RESTORE.txt")
        assert f"from the NIM master {master}\n" in text
        typed = re.findall(r"^\d+\. .*\n   ((?:cksum|lsnim|/usr/sbin|mkdir).*)$", text, re.MULTILINE)
        assert len(typed) >= 5
        for command in typed:
            assert lab.estate_run(master, command) == 0, command
        assert lab.estate.objects(master)["aix01"]["mksysb"].startswith("aix01_")
        printed = re.search(r"this has to print (\d+ \d+)", text)
        assert printed
        summed = subprocess.run(
            [lab.estate.shell(master), "-c", typed[0]], capture_output=True, text=True, check=True
        ).stdout
        assert summed.startswith(printed[1])


def test_a_lost_history_comes_back_whole_from_its_copy(lab: Lab, run_cli: Cli) -> None:
    recent(lab, "aix01", 1)
    lab.store.event("note", "of the old history", at=datetime.now(UTC))
    installation = lab.config.state_dir / "installation"
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    own = installation.read_text()
    assert run_cli("schedule", "due", config=lab.file).exit_code == 0
    assert run_cli("schedule", "due", config=lab.file).exit_code == 0
    (copy,) = lab.disk(f"{IMAGES}/nimwrap-history").iterdir()
    assert run_cli("images", "import", "--history", config=lab.file).exit_code == 2, "there is one"
    before = told(run_cli("images", "list", "--json", config=lab.file))
    assert len(before) == 1, "neither the copy nor a manifest is taken for an image"
    lab.close()

    emptied(lab.config.state_dir)
    newer = lab.disk(f"{IMAGES}/nimwrap-history/history-29990101_000000.b64")
    newer.write_text("cut off")
    damaged = run_cli("images", "import", "--history", config=lab.file)
    assert (damaged.exit_code, "is no copy of a history" in damaged.stderr) == (1, True), damaged
    newer.unlink()
    back = run_cli("images", "import", "--history", "--json", config=lab.file)
    assert back.exit_code == 0, back
    assert copy.name in back.stderr
    assert told(run_cli("images", "list", "--json", config=lab.file)) == before
    assert installation.read_text() == own
    by_hand = f"sed 1d {copy} | base64 -d | gunzip"
    plain = subprocess.run(by_hand, shell=True, capture_output=True, check=True).stdout  # noqa: S602
    assert plain.startswith(b"SQLite format 3")


def test_images_that_are_there_still_are_managed_again_and_another_s_are_not(lab: Lab, run_cli: Cli) -> None:
    row = recent(lab, "aix01", 1)
    assert run_cli("images", "pin", str(row.id), config=lab.file).exit_code == 0
    assert run_cli("schedule", "due", config=lab.file).exit_code == 0
    before = told(run_cli("images", "list", "--json", config=lab.file))
    lab.close()
    emptied(lab.config.state_dir)
    assert run_cli("images", "import", config=lab.file).exit_code == 0
    assert told(run_cli("images", "list", "--json", config=lab.file)) == before
    manifest = lab.disk(f"{IMAGES}/aix02/{recent_by_another(lab, run_cli)}.json")
    assert '"managed": true' in manifest.read_text()
    assert run_cli("images", "import", config=lab.file).exit_code == 0
    (other,) = [one for one in told(run_cli("images", "list", "--json", config=lab.file)) if one["client"] == "aix02"]
    assert (other["managed"], other["verified"]) == (False, True), "what another nimwrap made is its own to remove"


def recent_by_another(lab: Lab, run_cli: Cli) -> str:
    """An image of aix02 that an installation with another state directory makes."""
    own = lab.file.read_text()
    lab.file.write_text(own.replace(str(lab.config.state_dir), f"{lab.config.state_dir}-other"))
    assert run_cli("backup", "aix02", config=lab.file).exit_code == 0
    lab.file.write_text(own)
    (image,) = lab.disk(f"{IMAGES}/aix02").glob("*.mksysb")
    return image.stem
