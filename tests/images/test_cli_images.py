"""The image verbs as a user runs them: exit codes, JSON, and what stands on the master afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli, Ran

HOUR = timedelta(hours=1)


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *arguments, **more: run_cli("images", *arguments, "--json", config=lab.file, **more)


def recent(lab: Lab, client: str = "aix01", ages: tuple[float, ...] = (5, 4, 3, 2, 1)) -> list[ImageRow]:
    """Images that are so many days old by today's clock, oldest first."""
    now = datetime.now(UTC)
    return [lab.make(client, age, created=now - timedelta(days=age)) for age in ages]


def by_id(ran: Ran, key: str = "images") -> dict[int, dict[str, Any]]:
    return {one["id"]: one for one in ran.data[key]}


def test_list_names_every_image_with_its_proof(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab, ages=(1,))[0]
    ran = nimwrap("list")
    assert ran.exit_code == 0
    (image,) = ran.data["images"]
    assert image | {"age_s": None} == {
        "id": row.id,
        "client": "aix01",
        "master": "nim",
        "kind": "mksysb",
        "resource": row.resource,
        "location": row.location,
        "size_bytes": 262144,
        "created": row.created,
        "age_s": None,
        "verified": True,
        "verified_by": list(row.verified_by),
        "verified_at": row.verified_at,
        "verified_full_at": None,
        "outcome": "ok",
        "oslevel": "7200-05-04-2220",
        "managed": True,
        "pinned": False,
        "allocated": False,
        "fault": None,
        "run": None,
        "remarks": [],
    }
    assert abs(image["age_s"] - 86400) < 60
    (room,) = ran.data["filesystems"]
    assert (room["filesystem"], room["worst_bytes"]) == ("/export/nim", int(262144 * 1.2))


def test_list_shows_what_does_not_fit_together(lab: Lab, nimwrap: Cli) -> None:
    gone, alone, grown = recent(lab, ages=(3, 2, 1))
    lab.disk(gone.location).unlink()
    lab.undefine(alone.resource)
    with lab.disk(grown.location).open("ab") as file:
        file.write(b"more")
    foreign, place = lab.attempt("aix02", 1)
    lab.disk("/export/nim/mksysb/notes.txt").write_text("do not touch")
    lab.attempt("aix02", 4)
    lab.disk("/export/nim/mksysb/aix02/aix02_20261119_010000.mksysb").unlink()
    ran = nimwrap("list")
    remarks = {one["location"]: one["remarks"] for one in ran.data["images"]}
    assert remarks[gone.location] == ["its file is gone"]
    assert remarks[alone.location] == ["its resource is gone"]
    assert remarks[grown.location] == ["its size has changed: 262148 bytes, 262144 recorded"]
    assert remarks[place] == []
    assert remarks["/export/nim/mksysb/notes.txt"] == ["a file without a resource"]
    assert remarks["/export/nim/mksysb/aix02/aix02_20261119_010000.mksysb"] == ["a resource without a file"]
    (unmanaged,) = [one for one in ran.data["images"] if one["location"] == place]
    assert (unmanaged["id"], unmanaged["client"], unmanaged["managed"]) == (None, "aix02", False)
    assert unmanaged["resource"] == foreign.resource
    assert {one["client"] for one in nimwrap("list", "aix0[2-9]").data["images"]} == {"aix02"}


def test_list_without_its_master_tells_what_the_history_knows(lab: Lab, nimwrap: Cli) -> None:
    recent(lab, ages=(1,))
    lab.configure(master={"shell": "/nowhere/shell"})
    ran = nimwrap("list")
    assert ran.exit_code == 12
    assert len(ran.data["images"]) == 1
    assert ran.codes == ["master_unreachable"]


def test_unknown_names_are_refused_with_the_nearest(lab: Lab, nimwrap: Cli) -> None:
    row = recent(lab, ages=(1,))[0]
    for arguments in (("list", "aix001"), ("verify", "aix001"), ("prune", "aix001"), ("restore-plan", "aix001")):
        ran = nimwrap(*arguments)
        assert ran.exit_code == 2, arguments
        assert "aix01" in ran.json["errors"][0]["hint"]
    ran = nimwrap("pin", row.resource + "1")
    assert (ran.exit_code, ran.codes) == (2, ["usage"])
    assert row.resource in ran.json["errors"][0]["hint"]


def test_dry_run_explains_and_changes_nothing(lab: Lab, nimwrap: Cli) -> None:
    rows = recent(lab)
    lab.estate.clear_log()
    ran = nimwrap("prune", "--dry-run")
    assert ran.exit_code == 0
    told = {each["id"]: (each["action"], each["reason"]) for each in ran.data["decisions"]}
    assert told[rows[0].id] == ("remove", "beyond the generations to keep: 4 newer proven, keep = 3")
    assert told[rows[4].id] == ("keep", "the last good image")
    assert lab.estate.changes(ignoring=()) == []
    assert lab.rows() == [lab.row(row.id) for row in reversed(rows)]
    assert all(row.removal is None for row in lab.rows())


def test_prune_removes_and_is_a_no_op_the_second_time(lab: Lab, nimwrap: Cli) -> None:
    rows = recent(lab)
    ran = nimwrap("prune")
    assert ran.exit_code == 0
    actions = [by_id(ran, "decisions")[row.id]["action"] for row in rows]
    assert actions == ["removed", "removed", "keep", "keep", "keep"]
    assert set(lab.resources()) == {row.resource for row in rows[2:]}
    lab.estate.clear_log()
    again = nimwrap("prune")
    assert {each["action"] for each in again.data["decisions"]} == {"keep"}
    assert [one for one in lab.estate.changes() if one.argv[0] != "mkdir"] == []


def test_pin_and_unpin(lab: Lab, nimwrap: Cli) -> None:
    rows = recent(lab)
    assert by_id(nimwrap("pin", rows[0].resource, str(rows[1].id)))[rows[1].id]["pinned"] is True
    assert {each["action"] for each in nimwrap("prune").data["decisions"]} == {"keep"}
    assert nimwrap("unpin", rows[0].location).exit_code == 0
    assert by_id(nimwrap("prune"), "decisions")[rows[0].id]["action"] == "removed"
    assert lab.disk(rows[1].location).exists()


def test_prune_reports_a_removal_that_nim_refuses(lab: Lab, nimwrap: Cli) -> None:
    rows = recent(lab, ages=(4, 3, 2, 1))
    real = lab.disk("/usr/sbin/nim")
    real.write_text("#!/bin/sh\necho '0042-001 nim: processing error' >&2; exit 1\n")
    ran = nimwrap("prune")
    assert ran.exit_code == 1
    failed = by_id(ran, "decisions")[rows[0].id]
    assert (failed["action"], failed["reason"]) == ("failed", "the resource is still defined")
    assert ran.json["errors"][0]["client"] == "aix01"


def spoil(lab: Lab, row: dict[str, Any], how: str) -> None:
    """One way each to spoil a recorded image on the disk."""
    file = lab.disk(row.location)
    data = file.read_bytes()
    if how == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "gone":
        file.unlink()
    elif how == "wrong host":
        other = lab.disk(lab.make("aix02").location).read_bytes()
        file.write_bytes(other)
    elif how == "flipped":
        place = len(data) // 2
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    elif how == "undefined":
        lab.undefine(row.resource)


@pytest.mark.parametrize(
    ("how", "code", "level"),
    [
        ("truncated", "image_truncated", "quick"),
        ("empty", "image_missing", "quick"),
        ("gone", "image_missing", "quick"),
        ("wrong host", "image_wrong_host", "quick"),
        ("undefined", "nim_refused", "quick"),
        ("flipped", "image_unreadable", "full"),
    ],
)
def test_verify_finds_what_is_spoiled_at_the_stated_level(
    lab: Lab, nimwrap: Cli, how: str, code: str, level: str
) -> None:
    row = lab.make(days=1)
    spoil(lab, row, how)
    quick = nimwrap("verify", "aix01")
    assert quick.exit_code == (1 if level == "quick" else 0)
    ran = nimwrap("verify", "aix01", "--full")
    assert ran.exit_code == 1
    checked = by_id(ran)[row.id]
    assert (checked["level"], checked["ok"]) == ("full", False)
    assert checked["fault"].startswith(f"{code} (full)")
    assert ran.codes == [code]
    assert lab.row(row.id).fault == checked["fault"]
    if level == "full":  # a quick look cannot take back what a full one found
        assert nimwrap("verify", "aix01").exit_code == 1


def test_a_fault_that_is_mended_is_forgotten(lab: Lab, nimwrap: Cli) -> None:
    row = lab.make(days=1)
    file = lab.disk(row.location)
    kept = file.read_bytes()
    file.unlink()
    assert nimwrap("verify").exit_code == 1
    file.write_bytes(kept)
    ran = nimwrap("verify")
    assert (ran.exit_code, by_id(ran)[row.id]["ok"], lab.row(row.id).fault) == (0, True, None)


def test_full_verification_is_remembered_and_reads_each_image_once(lab: Lab, nimwrap: Cli) -> None:
    row = lab.make(days=1)
    assert nimwrap("verify", "--full").exit_code == 0
    after = lab.row(row.id)
    assert after.verified_full_at is not None
    assert "cksum" in list(after.verified_by)
    assert after.cksum == row.cksum


def test_verify_due_reads_in_full_what_the_policy_asks_for(lab: Lab, nimwrap: Cli) -> None:
    now = datetime.now(UTC)
    old = lab.make(days=40, created=now - timedelta(days=40))
    new = lab.make(days=1, created=now - timedelta(days=1))
    ran = nimwrap("verify", "--due")
    assert {number: one["level"] for number, one in by_id(ran).items()} == {old.id: "full", new.id: "quick"}


def test_verify_stays_within_its_time(lab: Lab, nimwrap: Cli) -> None:
    row = lab.make(days=1)
    ran = nimwrap("verify", "--full", "--limit-time", "0s")
    checked = by_id(ran)[row.id]
    assert (ran.exit_code, checked["ok"], checked["skipped"]) == (0, None, "no time was left")
    assert nimwrap("verify", "--limit-time", "soon").exit_code == 2


def test_verify_keeps_away_from_a_running_backup(lab: Lab, nimwrap: Cli) -> None:
    near, far = lab.make("aix01", 1), lab.make("aix02", 1)
    lab.run("mkdir", "-p", "/var/adm/nimwrap/locks/aix01")
    lab.host.run("cd /var/adm/nimwrap/locks/aix01 && echo other > run && date -u +%Y%m%d%H%M%S > heartbeat")
    ran = nimwrap("verify", "--full")
    assert by_id(ran)[near.id]["skipped"] == "a backup is running in /export/nim/mksysb/aix01"
    assert by_id(ran)[far.id]["ok"] is True


def test_a_tool_that_is_missing_is_no_fault_of_the_image(lab: Lab, nimwrap: Cli) -> None:
    row = lab.make(days=1)
    lab.disk("/usr/bin/lsmksysb").unlink()
    ran = nimwrap("verify")
    assert ran.exit_code == 0
    assert "lsmksysb gave no answer" in by_id(ran)[row.id]["skipped"]
    assert lab.row(row.id).fault is None


def test_import_makes_status_true_and_adopt_takes_over(lab: Lab, nimwrap: Cli, run_cli: Cli) -> None:
    expected = [lab.attempt("aix01", age)[0] for age in (5, 4, 3, 2, 1)]
    own = lab.make("aix02", 1)
    ran = nimwrap("import")
    assert ran.exit_code == 0
    assert {one["resource"] for one in ran.data["images"]} == {one.resource for one in expected}
    for one in ran.data["images"]:
        assert (one["client"], one["managed"], one["verified"]) == ("aix01", False, True)
        assert one["verified_by"] == ["file", "lsmksysb", "resource"]
        assert one["age_s"] < 600
        assert lab.row(one["id"]).node == "aix01"
    assert nimwrap("import").data["images"] == []
    status = run_cli("status", "--json", config=lab.file)
    assert {one["client"]: one["last_good"] is not None for one in status.data["clients"]} == {
        "aix01": True,
        "aix02": True,
    }
    assert {each["action"] for each in nimwrap("prune").data["decisions"]} == {"keep"}
    taken = nimwrap("adopt", "aix01")
    assert len(taken.data["images"]) == 5
    actions = [each["action"] for each in nimwrap("prune").data["decisions"] if each["client"] == "aix01"]
    assert sorted(actions) == ["keep", "keep", "keep", "removed", "removed"]
    assert lab.row(own.id).removed is None


def test_import_tells_a_foreign_and_a_broken_image(lab: Lab, nimwrap: Cli) -> None:
    wrong, place = lab.attempt("aix01", 1)
    lab.disk(place).write_bytes(lab.disk(lab.make("aix02", 1).location).read_bytes())
    broken, place = lab.attempt("aix01", 2)
    lab.disk(place).write_bytes(b"not an image at all" * 100)
    missing, place = lab.attempt("aix01", 3)
    lab.disk(place).unlink()
    ran = nimwrap("import")
    faults = {one["resource"]: one["fault"].partition(" ")[0] for one in ran.data["images"]}
    assert faults == {wrong.resource: "image_wrong_host", broken.resource: "image_unreadable"}
    assert [(one["resource"], one["reason"]) for one in ran.data["left"]] == [
        (missing.resource, "there is no file at its location")
    ]


def test_import_finds_the_client_of_a_resource_without_source(lab: Lab, nimwrap: Cli) -> None:
    expected, place = lab.attempt("aix01", 1)
    lab.undefine(expected.resource or "")
    lab.define("byhand", place)
    ran = nimwrap("import")
    assert [(one["client"], one["resource"]) for one in ran.data["images"]] == [("aix01", "byhand")]


def test_import_takes_in_plain_files_that_the_reader_reads(lab: Lab, nimwrap: Cli, run_cli: Cli) -> None:
    expected, place = lab.attempt("aix01", 1)
    lab.undefine(expected.resource or "")
    named_like_nothing = lab.disk(place).with_name("image_of_sunday")
    lab.disk(place).rename(named_like_nothing)
    other, there = lab.attempt("aix02", 1)
    lab.undefine(other.resource or "")
    named_like_nothing.with_name("readme").write_text("no image, and long enough to be looked at\n" * 100)
    assert [one["client"] for one in nimwrap("import", "aix02").data["images"]] == ["aix02"]
    ran = nimwrap("import")
    (image,) = ran.data["images"]
    assert (ran.exit_code, ran.data["left"]) == (0, [])
    assert (image["client"], image["resource"], image["managed"]) == ("aix01", None, False)
    assert image["location"].endswith("/image_of_sunday")
    assert image["verified_by"] == ["file", "lsmksysb"]
    assert nimwrap("import").data["images"] == []
    good = {one["client"]: one["last_good"] for one in run_cli("status", "--json", config=lab.file).data["clients"]}
    assert good["aix02"]["location"] == there
    assert good["aix01"]["location"] == image["location"]
    assert len(nimwrap("adopt", "aix01").data["images"]) == 1


def test_the_two_machines_of_a_client_are_told_apart(lab: Lab, nimwrap: Cli, run_cli: Cli) -> None:
    """Its hardware was replaced: the last image of the old machine is not pushed out, and is not taken for the new."""
    old = [lab.make(days=age, machine_id="00F600000C00") for age in (9, 8, 7)]
    new = [lab.make(days=age) for age in (3, 2, 1)]
    actions = {each["id"]: each for each in nimwrap("prune", "--dry-run").data["decisions"]}
    assert [actions[row.id]["action"] for row in old] == ["remove", "remove", "keep"], actions
    assert "earlier machine" in actions[old[-1].id]["reason"]
    assert {actions[row.id]["action"] for row in new} == {"keep"}
    client = next(
        one
        for one in run_cli("status", "--refresh", "--json", config=lab.file).data["clients"]
        if one["client"] == "aix01"
    )
    assert [(one["machine_id"], one["images"]) for one in client["machines"]] == [
        (new[0].machine_id, 3),
        ("00F600000C00", 3),
    ]
    plan = nimwrap("restore-plan", "aix01").data["plan"]
    assert plan["image"]["resource"] == new[-1].resource
    assert "has been 2 machines" in str(plan["warnings"])


def test_the_restore_plan_of_a_plain_file_defines_it_first(lab: Lab, nimwrap: Cli) -> None:
    expected, place = lab.attempt("aix01", 1)
    lab.undefine(expected.resource or "")
    assert nimwrap("import").exit_code == 0
    plan = nimwrap("restore-plan", "aix01").data["plan"]
    defining = next(step["command"] for step in plan["steps"] if "-t mksysb" in step["command"])
    assert f"location={place}" in defining
    name = defining.split()[-1]
    assert any(f"source={name}" in step["command"] for step in plan["steps"] if "-t spot" in step["command"])
    assert any(f"mksysb={name}" in step["command"] for step in plan["steps"] if "bos_inst" in step["command"])


def test_the_restore_plan_is_accepted_by_nim_step_by_step(lab: Lab, nimwrap: Cli) -> None:
    row = lab.make(days=1)
    plan = nimwrap("restore-plan", "aix01").data["plan"]
    assert plan["missing"] == []
    assert (plan["client"], plan["image"]["resource"], plan["image"]["location"]) == (
        "aix01",
        row.resource,
        row.location,
    )
    nim = [step["command"] for step in plan["steps"] if step["command"].startswith("/usr/sbin/nim")]
    for step in plan["steps"]:
        if step["command"].startswith(("/usr/sbin/", "mkdir")):
            assert lab.host.run(step["command"]).succeeded, step
    assert any("bos_inst" in command for command in nim)
    client = lab.estate.objects()["aix01"]
    assert client["mksysb"] == row.resource
    assert client["spot"] == plan["spot"]
    again = nimwrap("restore-plan", "aix01").data["plan"]
    assert again["spot"] == plan["spot"]
    assert not [step for step in again["steps"] if "-t spot" in step["command"]]
    undo = [step["command"] for step in again["steps"] if "deallocate" in step["command"] or "reset" in step["command"]]
    for command in undo:
        lab.run(*shlex.split(command.partition(";")[0]))
    assert not {"mksysb", "spot"} & set(lab.estate.objects()["aix01"])


def test_an_installation_that_asks_nothing_is_accepted_too(lab: Lab, nimwrap: Cli) -> None:
    lab.make(days=1)
    steps = nimwrap("restore-plan", "aix01").data["plan"]["steps"]
    (answers,) = [step["command"] for step in steps if "-t bosinst_data" in step["command"]]
    name = answers.split()[-1]
    for step in steps:
        command = step["command"]
        if "./bosinst.data" in command:  # the image of this lab holds no such file to take out
            command = f"mkdir -p /export/nim/bosinst && echo >/export/nim/bosinst/{name}"
        if " bos_inst " in command:
            command = command.replace(" -a boot_client=no", f" -a bosinst_data={name} -a boot_client=no")
        if command.startswith(("/usr/sbin/", "mkdir")):
            assert lab.host.run(command).succeeded, step
    client = lab.estate.objects()["aix01"]
    assert (client["bosinst_data"], client["Cstate"]) == (name, "BOS installation has been enabled")


def test_a_spot_must_not_be_older_than_the_image(lab: Lab, nimwrap: Cli) -> None:
    row = lab.make(days=1)
    for name, mod in (("too_old", "4"), ("newer", "6")):
        lab.run(
            "/usr/sbin/nim",
            "-o",
            "define",
            "-t",
            "spot",
            "-a",
            "server=master",
            "-a",
            f"source={row.resource}",
            "-a",
            "location=/export/nim/spot",
            name,
        )
        lab.run("/usr/sbin/nim", "-o", "change", "-a", f"mod={mod}", "-a", f"oslevel_r=7200-0{mod}", name)
    assert nimwrap("restore-plan", "aix01").data["plan"]["spot"] == "newer"
    lab.undefine("newer")
    assert nimwrap("restore-plan", "aix01").data["plan"]["spot"] == "spot_7200_05_04_2220"


def test_the_plan_tells_what_is_missing_now(lab: Lab, nimwrap: Cli, run_cli: Cli) -> None:
    row = lab.make(days=1)
    lab.undefine(row.resource)
    ran = nimwrap("restore-plan", "aix01")
    assert any(
        step["command"].endswith(f"location={row.location} {row.resource}") for step in ran.data["plan"]["steps"]
    )
    lab.disk(row.location).unlink()
    ran = nimwrap("restore-plan", "aix01")
    assert ran.exit_code == 1
    assert "there is no image at" in ran.data["plan"]["missing"][0]
    run_cli("status", "--refresh", config=lab.file)
    ran = nimwrap("restore-plan", "aix02")
    assert (ran.exit_code, ran.codes) == (1, ["image_missing"])


def test_the_plan_takes_the_next_older_image_where_the_newest_is_gone_or_faulty(
    lab: Lab, nimwrap: Cli, run_cli: Cli
) -> None:
    oldest, older, newest = (lab.make(days=days) for days in (3, 2, 1))
    lab.disk(newest.location).unlink()
    gone = nimwrap("restore-plan", "aix01")
    assert (gone.exit_code, gone.data["plan"]["image"]["resource"]) == (0, older.resource)
    assert f"{newest.resource}, made " in gone.data["plan"]["warnings"][0]
    assert "there is no image at" in gone.data["plan"]["warnings"][0]
    lab.disk(older.location).write_bytes(b"not an image any more")
    assert nimwrap("restore-plan", "aix01").data["plan"]["image"]["resource"] == oldest.resource
    assert nimwrap("restore-plan", "aix01", "--image", newest.resource).exit_code == 1
    run_cli("images", "verify", config=lab.file)  # now the history knows
    known = nimwrap("restore-plan", "aix01")
    assert (known.exit_code, known.data["plan"]["image"]["resource"]) == (0, oldest.resource)
    assert [newest.resource in one or older.resource in one for one in known.data["plan"]["warnings"]].count(True) == 2


def test_the_plan_for_another_machine_warns_of_the_second_self(lab: Lab, nimwrap: Cli) -> None:
    lab.make(days=1)
    plan = nimwrap("restore-plan", "aix01", "--to", "aix02").data["plan"]
    assert plan["to"] == "aix02"
    assert any("second aix01" in warning for warning in plan["warnings"])
    assert any(step["command"].endswith(" aix02") and "bos_inst" in step["command"] for step in plan["steps"])
    ran = nimwrap("restore-plan", "aix01", "--to", "elsewhere")
    assert ran.exit_code == 1
    assert "NIM has no machine elsewhere" in ran.data["plan"]["missing"][0]
    assert nimwrap("restore-plan", "aix01", "--to", "a;b").exit_code == 2


def test_the_plan_of_a_cluster_node_warns(lab_with: Callable[..., Lab], run_cli: Cli) -> None:
    lab = lab_with(cluster=True, clients=0)
    assert run_cli("backup", "powerha1", "--json", config=lab.file).exit_code == 0
    ran = run_cli("images", "restore-plan", "powerha1", "--to", "powerha2", "--json", config=lab.file)
    said = " ".join(ran.data["plan"]["warnings"])
    for word in ("app_cluster", "rg_app", "6359405", "caavg_private", "10.10.10.102", "Isolate"):
        assert word in said, word
    text = run_cli("images", "restore-plan", "powerha1", config=lab.file)
    assert text.stdout.index("6359405") < text.stdout.index("bos_inst")


def test_the_plan_stands_without_its_master(lab: Lab, nimwrap: Cli) -> None:
    lab.make(days=1)
    lab.configure(master={"shell": "/nowhere/shell"})
    ran = nimwrap("restore-plan", "aix01")
    assert ran.exit_code == 0
    assert any("bos_inst" in step["command"] for step in ran.data["plan"]["steps"])
    assert ran.json["warnings"][0]["code"] == "master_unreachable"


def test_other_kinds_are_made_proven_listed_verified_and_pruned(lab_with: Callable[..., Lab], run_cli: Cli) -> None:
    lab = lab_with(vios=True, clients=1)
    now = datetime.now(UTC)
    kinds = {
        "savevg": "aix01",
        "ios_mksysb": "vios1",
        "ios_backup": "vios1",
        "nim_db": "master",
        "master_mksysb": "master",
    }
    rows = {}
    for kind, client in kinds.items():
        for age in (4, 3, 2, 1):
            more = {"volume_group": "datavg"} if kind == "savevg" else {}
            expected, location = lab.attempt(client, age, kind, **more)
            proof = lab.prove(expected)
            assert proof.good, (kind, proof)
            row = lab.record(client, kind, expected, proof, location=location, created=now - timedelta(days=age))
            rows.setdefault(kind, []).append(row)
    listed = run_cli("images", "list", "--json", config=lab.file).data["images"]
    assert {(one["kind"], one["client"]) for one in listed} == set(kinds.items())
    assert run_cli("images", "verify", "--full", "--json", config=lab.file).exit_code == 0
    pruned = run_cli("images", "prune", "--json", config=lab.file)
    assert pruned.exit_code == 0
    assert {each["id"] for each in pruned.data["decisions"] if each["action"] == "removed"} == {
        members[0].id for members in rows.values()
    }
    for members in rows.values():
        assert [lab.disk(row.location).exists() for row in members] == [False, True, True, True]


def test_volume_groups_are_counted_apart(lab: Lab, nimwrap: Cli) -> None:
    now = datetime.now(UTC)
    for group, ages in (("datavg", (4, 3)), ("logvg", (2, 1))):
        for age in ages:
            row = lab.make(days=age, created=now - timedelta(days=age))
            lab.store.update_image(row.id, kind="savevg", resource=f"aix01_{group}_2026112{age}_010000")
    lab.configure(backup={"keep": 1})
    actions = [each["action"] for each in nimwrap("prune", "--dry-run").data["decisions"]]
    assert sorted(actions) == ["keep", "keep", "remove", "remove"]


def test_a_name_that_cannot_be_taken_is_a_warning(lab: Lab, run_cli: Cli) -> None:
    """The image is good and counts, but what the recovery papers name is still the older one."""
    lab.configure(backup={"naming": "fixed"})
    assert run_cli("backup", "aix01", "--json", config=lab.file).exit_code == 0
    lab.nim_refuses("*remove*aix01_mksysb")
    ran = run_cli("backup", "aix01", "--json", config=lab.file)
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (3, "warning", "nim_refused"), run
    assert run["image"]["resource"] in run["failure"]["message"]
    lab.nim_refuses("")
    assert run_cli("backup", "aix01", "--json", config=lab.file).exit_code == 0
    assert len({row.resource for row in lab.rows()}) == 3
    assert run_cli("images", "verify", config=lab.file).exit_code == 0


def test_images_in_directories_of_their_own(lab: Lab, run_cli: Cli) -> None:
    """NIM_MKSYSB_SUBDIRS: the real place is read back from lsnim, and nothing of it is left after a prune."""
    lab.configure(master={"env": {"NIM_MKSYSB_SUBDIRS": "yes"}}, backup={"keep": 1})
    for _ in range(2):
        ran = run_cli("backup", "aix01", "--json", config=lab.file)
        assert ran.exit_code == 0, ran
    (row,) = lab.rows()
    assert row.location == f"/export/nim/mksysb/aix01/{row.resource}/{row.resource}.mksysb"
    assert ran.data["runs"][0]["image"]["location"] == row.location
    assert {path.name for path in lab.disk("/export/nim/mksysb/aix01").iterdir()} == {row.resource, "RESTORE.txt"}
    assert run_cli("images", "verify", "--full", config=lab.file).exit_code == 0


def test_expectations_are_of_the_lab(lab: Lab) -> None:
    """The lab's own proof can fail: without it every test above would prove nothing."""
    expected, _ = lab.attempt("aix01")
    assert lab.prove(expected).good
    assert not lab.prove(replace(expected, returncode=1, output="")).good
