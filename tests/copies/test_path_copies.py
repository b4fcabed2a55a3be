"""Copies in another directory of the master, as a user sees them: made, listed, read back, dropped, never half."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate
from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli, ConfigWriter

PLACE = "/export/copies"
SECOND = {"second": {"kind": "path", "directory": PLACE, "keep": 2}}


@pytest.fixture
def lab(lab_with: Callable[..., Lab]) -> Lab:
    return lab_with(copies=SECOND)


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *words, **more: run_cli("images", *words, "--json", config=lab.file, **more)


def recent(lab: Lab, *ages: float) -> list[ImageRow]:
    now = datetime.now(UTC)
    return [lab.make("aix01", age, created=now - timedelta(days=age)) for age in ages]


def drafts(lab: Lab) -> list[Path]:
    return list(lab.disk(PLACE).rglob("*.part"))


def left(lab: Lab) -> bool:
    return lab.disk("/var/adm/nimwrap/copies").exists() or bool(list(lab.disk("/var/adm/nimwrap/locks").glob("*")))


def only(ran: Any) -> dict[str, Any]:
    (copy,) = ran.data["copies"]
    found: dict[str, Any] = copy
    return found


def test_a_copy_is_planned_made_proven_and_listed(lab: Lab, nimwrap: Cli) -> None:
    (row,) = recent(lab, 1)
    planned = nimwrap("copy", "--dry-run")
    assert (planned.exit_code, only(planned)["state"]) == (0, "planned")
    assert not lab.disk(PLACE).exists()
    assert nimwrap("copies").data["copies"] == []

    made = nimwrap("copy")
    assert (made.exit_code, only(made)["state"]) == (0, "ok"), made
    copy = only(nimwrap("copies"))
    assert copy["checksum"].startswith("sha256:")
    assert copy | {"made": None, "verified_at": None, "checksum": None} == {
        "image": row.resource,
        "image_id": row.id,
        "client": "aix01",
        "master": "nim",
        "name": "second",
        "kind": "path",
        "location": f"{PLACE}/aix01/{row.resource}.mksysb",
        "size_bytes": 262144,
        "checksum": None,
        "state": "ok",
        "reason": None,
        "made": None,
        "verified_at": None,
    }
    assert lab.disk(copy["location"]).read_bytes() == lab.disk(row.location).read_bytes()
    assert (drafts(lab), left(lab)) == ([], False)
    assert nimwrap("copy").data["copies"] == [], "it is there already"
    assert nimwrap("verify", "--copies").exit_code == 0


def flipped(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100_000)
        byte = file.read(1)
        file.seek(100_000)
        file.write(bytes([byte[0] ^ 1]))


HARM = {"flipped": flipped, "truncated": lambda path: os.truncate(path, 1000), "deleted": Path.unlink}


@pytest.mark.parametrize("harm", HARM)
def test_a_copy_that_was_harmed_is_found_and_made_anew(lab: Lab, nimwrap: Cli, harm: str) -> None:
    (row,) = recent(lab, 1)
    assert nimwrap("copy").exit_code == 0
    place = lab.disk(only(nimwrap("copies"))["location"])
    HARM[harm](place)
    found = nimwrap("verify", "--copies")
    assert (found.exit_code, found.codes, only(found)["ok"]) == (1, ["copy_failed"], False)
    assert only(nimwrap("copies"))["state"] == "failed"
    assert nimwrap("copy").exit_code == 0
    assert place.read_bytes() == lab.disk(row.location).read_bytes()
    assert only(nimwrap("copies"))["state"] == "ok"


def test_an_image_that_is_not_what_was_proven_is_never_called_copied(lab: Lab, nimwrap: Cli) -> None:
    (row,) = recent(lab, 1)
    flipped(lab.disk(row.location))
    ran = nimwrap("copy")
    assert (ran.exit_code, ran.codes, only(ran)["state"]) == (1, ["copy_failed"], "failed")
    assert "checksum" in only(ran)["reason"]
    assert list(lab.disk(PLACE).rglob("*.mksysb*")) == []
    assert not left(lab)


def test_without_a_tool_for_sha256_the_copy_is_proven_by_cksum(lab: Lab, nimwrap: Cli) -> None:
    (row,) = recent(lab, 1)
    lab.disk("/usr/bin/openssl").unlink()
    assert nimwrap("copy").exit_code == 0
    assert only(nimwrap("copies"))["checksum"] == f"cksum:{(row.cksum or '').replace(' ', ':')}"
    assert nimwrap("verify", "--copies").exit_code == 0


def test_an_image_without_a_checksum_of_its_own_is_compared_with_itself(lab: Lab, nimwrap: Cli) -> None:
    (row,) = recent(lab, 1)
    lab.store.update_image(row.id, cksum=None)
    assert nimwrap("copy").exit_code == 0
    assert nimwrap("verify", "--copies").exit_code == 0


def test_what_somebody_else_put_there_is_left_alone(lab: Lab, nimwrap: Cli) -> None:
    (row,) = recent(lab, 1)
    other = lab.disk(f"{PLACE}/aix01/{row.resource}.mksysb")
    other.parent.mkdir(parents=True)
    other.write_bytes(b"of somebody else")
    ran = nimwrap("copy")
    assert (ran.exit_code, only(ran)["state"]) == (1, "failed")
    assert "left alone" in only(ran)["reason"]
    assert other.read_bytes() == b"of somebody else"
    other.write_bytes(lab.disk(row.location).read_bytes())
    assert only(nimwrap("copy"))["state"] == "ok", "a file that is the image is a copy of it"


def test_a_full_far_end_leaves_nothing_half(lab: Lab, nimwrap: Cli) -> None:
    recent(lab, 1)
    lab.disk(PLACE).mkdir()
    cp = lab.disk("/usr/bin/cp")
    kept = cp.rename(cp.with_name("cp.kept"))
    cp.write_text('#!/bin/sh\ndd if="$1" of="$2" bs=1000 count=9 2>/dev/null\necho "cp: $2: no space" >&2\nexit 1\n')
    cp.chmod(0o755)
    ran = nimwrap("copy")
    assert (ran.exit_code, only(ran)["state"]) == (1, "failed")
    assert "no space" in only(ran)["reason"]
    assert list(lab.disk(PLACE).rglob("*.mksysb*")) == []
    kept.rename(cp)
    assert nimwrap("copy").exit_code == 0


def test_keep_is_the_place_s_own_and_the_last_proven_copy_stays(lab: Lab, nimwrap: Cli) -> None:
    rows = recent(lab, 5, 4)
    assert nimwrap("copy").exit_code == 0
    rows += recent(lab, 3)
    ran = nimwrap("copy")
    assert [each["removed"] for each in ran.data["removals"]] == [True]
    there = sorted(path.stem for path in lab.disk(PLACE).rglob("*.mksysb"))
    assert there == sorted(str(row.resource) for row in rows[1:])
    assert {copy["state"] for copy in nimwrap("copies").data["copies"]} == {"ok"}

    newest, older = (lab.disk(f"{PLACE}/aix01/{row.resource}.mksysb") for row in (rows[2], rows[1]))
    lab.configure(copies={"second": SECOND["second"] | {"keep": 1}})
    kept = newest.rename(newest.with_suffix(".aside"))
    ran = nimwrap("copy")
    assert [each["removed"] for each in ran.data["removals"]] == [False], "the one that stays is not there"
    assert older.exists()
    kept.rename(newest)
    assert [each["removed"] for each in nimwrap("copy").data["removals"]] == [True]
    assert (newest.exists(), older.exists()) == (True, False)


def test_while_removals_are_stopped_copies_stay_too(lab: Lab, nimwrap: Cli) -> None:
    recent(lab, 5, 4)
    assert nimwrap("copy").exit_code == 0
    lab.configure(copies={"second": SECOND["second"] | {"keep": 1}})
    lab.store.stop_removals("nim", "many are gone", datetime.now(UTC))
    (stays,) = nimwrap("copy").data["removals"]
    assert (stays["removed"], "stopped" in stays["reason"]) == (False, True)


def test_an_image_of_a_fixed_name_has_its_time_in_the_name_of_its_copy(lab: Lab, nimwrap: Cli) -> None:
    (row,) = recent(lab, 1)
    fixed = row.location.replace(str(row.resource), "aix01_mksysb")
    lab.disk(row.location).rename(lab.disk(fixed))
    lab.store.update_image(row.id, location=fixed, resource="aix01_mksysb")
    assert nimwrap("copy").exit_code == 0
    stamp = datetime.fromisoformat(row.created).strftime("%Y%m%d_%H%M%S")
    assert only(nimwrap("copies"))["location"] == f"{PLACE}/aix01/aix01_mksysb_{stamp}.mksysb"


def test_wrong_calls(lab: Lab, nimwrap: Cli, run_cli: Cli) -> None:
    assert nimwrap("copy", "--to", "secnd").exit_code == 2
    assert nimwrap("copy", "nobody").exit_code == 2
    lab.configure()
    ran = nimwrap("copy")
    assert (ran.exit_code, ran.codes) == (2, ["usage"])


def test_a_backup_is_copied_before_anybody_is_told_how_things_stand(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config(copies={**SECOND, "other": {"kind": "path", "directory": "/export/other", "after": ""}})
    estate.instant()
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    (client,) = run_cli("status", "aix01", "--json", config=config).data["clients"]
    second, other = client["copies"]
    assert (second["name"], second["state"]) == ("second", "ok")
    assert (other["name"], other["state"], other["made"]) == ("other", "none", None)
    assert client["verdict"] == "warning"
    assert client["reason_codes"] == ["only_one_copy"]
    assert "nimwrap images copy aix01" in client["fix"]
    metrics = run_cli("metrics", config=config).stdout
    assert 'nimwrap_copy_state{client="aix01",copy="other",master="nim"} 3.0' in metrics
    assert run_cli("images", "copy", "--to", "other", config=config).exit_code == 0
    assert run_cli("status", "aix01", "--json", config=config).data["clients"][0]["verdict"] == "ok"
    acts = run_cli("show", "last", "--json", config=config).data["run"]["events"]
    assert [event["kind"] for event in acts].count("copy") == 2


def test_a_late_and_a_failed_copy_are_faults(lab: Lab, nimwrap: Cli, run_cli: Cli) -> None:
    lab.store.record_inventory("nim", [], datetime.now(UTC))
    recent(lab, 20)
    assert nimwrap("copy").exit_code == 0
    seen = run_cli("status", "--json", "--refresh", "--max-age", "90d", config=lab.file).data["clients"]
    (client,) = [one for one in seen if one["client"] == "aix01"]
    assert (client["copies"][0]["state"], client["reason_codes"]) == ("late", ["copy_late"])
    (row,) = recent(lab, 1)
    flipped(lab.disk(row.location))
    assert nimwrap("copy").exit_code == 1
    seen = run_cli("status", "--json", "--max-age", "90d", config=lab.file).data["clients"]
    (client,) = [one for one in seen if one["client"] == "aix01"]
    assert (client["copies"][0]["state"], client["reason_codes"]) == ("failed", ["copy_failed"])
