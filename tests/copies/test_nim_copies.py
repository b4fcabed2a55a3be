"""Copies on another NIM master: sent from master to master, defined there, and never in anybody's way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli

PLACE = "/export/nim/copies"
DR = {"dr": {"kind": "nim", "to": "nim2", "directory": PLACE, "keep": 1}}


@pytest.fixture
def lab(lab_with: Callable[..., Lab]) -> Lab:
    return lab_with(second_master=True, second=True, copies=DR)


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *words, **more: run_cli("images", *words, "--json", config=lab.file, **more)


def recent(lab: Lab, age: float = 1) -> ImageRow:
    return lab.make("aix01", age, created=datetime.now(UTC) - timedelta(days=age))


def far(lab: Lab, location: str) -> Path:
    return lab.estate.files("nim2") / location.lstrip("/")


def there(lab: Lab) -> dict[str, str]:
    known = lab.estate.objects("nim2")
    return {name: one["location"] for name, one in known.items() if one.get("type") == "mksysb"}


def only(ran: Any) -> dict[str, Any]:
    (copy,) = ran.data["copies"]
    found: dict[str, Any] = copy
    return found


def test_a_copy_is_sent_proven_defined_and_a_restore_begins_there(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab)
    made = nimwrap("copy")
    assert (made.exit_code, only(made)["state"]) == (0, "ok"), made
    copy = only(nimwrap("copies"))
    assert (copy["kind"], copy["location"]) == ("nim", f"{PLACE}/aix01/{row.resource}.mksysb")
    assert far(lab, copy["location"]).read_bytes() == lab.disk(row.location).read_bytes()
    assert there(lab) == {row.resource: copy["location"]}
    assert nimwrap("verify", "--copies").exit_code == 0
    assert not (lab.estate.files("nim2") / "var/adm/nimwrap/copies").exists()

    manifest = json.loads(lab.estate.read("nim2", f"{PLACE}/aix01/{row.resource}.json"))
    assert manifest["copy"]["checksum"] == copy["checksum"]
    plan = lab.estate.read("nim2", f"{PLACE}/aix01/RESTORE.txt")
    assert "from the NIM master nim2" in plan and copy["location"] in plan

    lab.disk(row.location).unlink()
    ran = nimwrap("restore-plan", "aix01")
    assert ran.data["plan"]["image"]["copy"] == "dr"
    assert (ran.data["plan"]["master"], ran.data["plan"]["image"]["resource"]) == ("nim2", row.resource)
    nim = [step["command"] for step in ran.data["plan"]["steps"] if step["command"].startswith("/usr/sbin/nim")]
    assert nim and all(lab.estate_run("nim2", command) == 0 for command in nim if "bosinst" not in command), nim


def test_a_name_that_is_taken_is_left_alone_and_the_copy_has_another(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab, 2)
    other = far(lab, "/export/nim/mksysb/of_others")
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(lab.disk(row.location).read_bytes())
    define = "/usr/sbin/nim -o define -t mksysb -a server=master -a location=/export/nim/mksysb/of_others"
    assert lab.estate_run("nim2", f"{define} {row.resource}") == 0
    assert nimwrap("copy").exit_code == 0
    assert there(lab)[row.resource or ""] == "/export/nim/mksysb/of_others"
    assert there(lab)[f"{row.resource}_2"] == f"{PLACE}/aix01/{row.resource}.mksysb"

    newer = recent(lab, 1)
    ran = nimwrap("copy")
    assert [each["removed"] for each in ran.data["removals"]] == [True], ran
    assert sorted(there(lab)) == sorted([row.resource or "", newer.resource or ""]), "the resource goes with its file"
    left = {path.name for path in far(lab, f"{PLACE}/aix01").iterdir()}
    assert left == {f"{newer.resource}.mksysb", f"{newer.resource}.json", "RESTORE.txt"}


def test_without_trust_between_the_masters_the_refusal_says_what_is_missing(lab: Lab, nimwrap: Cli) -> None:
    recent(lab)
    lab.estate.fault("ssh_to_masters_refused", host="nim2")
    ran = nimwrap("copy")
    assert (ran.exit_code, ran.codes, only(ran)["state"]) == (1, ["copy_failed"], "failed")
    assert "docs/copies.md" in only(ran)["reason"]
    assert only(nimwrap("copies"))["state"] == "failed"
    lab.estate.fault("ssh_to_masters_refused", None, host="nim2")
    assert nimwrap("copy").exit_code == 0


def test_nim_refuses_the_resource_and_nothing_half_is_left(lab: Lab, nimwrap: Cli) -> None:
    recent(lab)
    tool = far(lab, "/usr/sbin/nim")
    kept = tool.rename(tool.with_name("nim.kept"))
    tool.write_text("#!/bin/sh\necho '0042-001 nim: refused' >&2\nexit 1\n")
    tool.chmod(0o755)
    ran = nimwrap("copy")
    assert (ran.exit_code, only(ran)["state"]) == (1, "failed")
    assert list(far(lab, PLACE).rglob("*.mksysb*")) == []
    kept.rename(tool)
    assert nimwrap("copy").exit_code == 0
    assert len(there(lab)) == 1


@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_a_copy_that_was_harmed_is_found_and_made_anew(lab: Lab, nimwrap: Cli, harm: str) -> None:
    row = recent(lab)
    assert nimwrap("copy").exit_code == 0
    place = far(lab, f"{PLACE}/aix01/{row.resource}.mksysb")
    if harm == "gone":
        place.unlink()
    else:
        place.write_bytes(bytes([place.read_bytes()[0] ^ 1]) + place.read_bytes()[1:])
    found = nimwrap("verify", "--copies")
    assert (found.exit_code, found.codes) == (1, ["copy_failed"])
    assert nimwrap("copy").exit_code == 0
    assert place.read_bytes() == lab.disk(row.location).read_bytes()
    assert len(there(lab)) == 1


def test_the_link_is_cut_in_the_middle(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab)
    ssh = lab.disk("/usr/bin/ssh")
    real = ssh.rename(ssh.with_name("ssh.real"))
    ssh.write_text(
        f'#!/bin/sh\ncase "$*" in *"cat > "*) head -c 1000 | {real} "$@"; exit 255 ;; esac\nexec {real} "$@"\n'
    )
    ssh.chmod(0o755)
    ran = nimwrap("copy")
    assert (ran.exit_code, only(ran)["state"]) == (1, "failed")
    assert list(far(lab, PLACE).rglob("*.mksysb*")) == []
    real.rename(ssh)
    assert nimwrap("copy").exit_code == 0
    assert far(lab, f"{PLACE}/aix01/{row.resource}.mksysb").read_bytes() == lab.disk(row.location).read_bytes()
