"""What others do to images and clocks meanwhile, through the commands: nothing is lost, and everything is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nimwrap.domain.retention import Action, Generation, KeepRules, decide
from nimwrap.history.model import ImageRow
from tests.faults.hands import confirm_hand
from tests.images.imagelab import Lab
from tests.running import Cli, Ran


def test_no_run_removes_the_image_it_has_just_made(lab: Lab, run_cli: Cli) -> None:
    """A clock was wrong for some nights: each of the older images is dated after the new one."""
    now = datetime.now(UTC)
    rows = [lab.make(days=age, created=now + timedelta(days=30 - age)) for age in (5, 4, 3, 2)]
    ran = run_cli("backup", "aix01", "--json", config=lab.file)
    assert ran.exit_code == 0, ran.stderr
    (run,) = ran.data["runs"]
    assert lab.disk(run["image"]["location"]).exists()
    assert run["image"]["resource"] in lab.resources()
    assert all(lab.disk(row.location).exists() for row in rows)


def test_the_image_just_made_is_the_newest_whatever_its_date_says() -> None:
    """The control host's clock went back for years: the new image is the oldest of all by its date."""
    now = datetime.now(UTC)
    older = [Generation(id=number, created=now - timedelta(days=number)) for number in (1, 2, 3)]
    new = Generation(id=4, created=now - timedelta(days=900), just_made=True)
    removed = [one.image.id for one in decide([*older, new], KeepRules(keep=3), now) if one.action is Action.REMOVE]
    assert removed == [3]


def test_a_date_in_the_future_is_a_fault_that_is_named(lab: Lab, run_cli: Cli) -> None:
    row = lab.make(created=datetime.now(UTC) + timedelta(days=30))
    listed = run_cli("images", "list", "--json", config=lab.file)
    assert any("dated in the future" in remark for remark in listed.data["images"][0]["remarks"])
    status = run_cli("status", "--refresh", "--json", config=lab.file)
    (client,) = [one for one in status.data["clients"] if one["client"] == "aix01"]
    assert (status.exit_code, client["verdict"]) == (1, "warning")
    assert "image_misdated" in client["reason_codes"]
    confirm_hand("misdated", "kept, and newer than nothing", f"`status`: {client['verdict']}, `image_misdated`")
    doctor = run_cli("doctor", "--json", config=lab.file)
    assert doctor.exit_code == 1
    assert row.location in doctor.stdout
    pruned = run_cli("images", "prune", "--json", config=lab.file)
    assert pruned.exit_code == 0
    assert lab.disk(row.location).exists()


def recent(lab: Lab, client: str = "aix01", ages: tuple[int, ...] = (5, 4, 3, 2, 1)) -> list[ImageRow]:
    """Images that are so many days old, the oldest first, looked at once."""
    now = datetime.now(UTC)
    return [lab.make(client, age, created=now - timedelta(days=age)) for age in ages]


def of(ran: Ran, client: str) -> dict[str, object]:
    """The line of ``status`` about one client."""
    (found,) = [one for one in ran.data["clients"] if one["client"] == client]
    return dict(found)


@pytest.mark.parametrize(
    "look",
    [("images", "list"), ("check", "aix01"), ("images", "restore-plan", "aix01"), ("status", "--refresh")],
    ids=" ".join,
)
def test_whoever_sees_that_the_last_good_image_is_gone_makes_it_count(
    lab: Lab, run_cli: Cli, look: tuple[str, ...]
) -> None:
    first, last = recent(lab, ages=(2, 1))
    run_cli("status", "--refresh", "--json", config=lab.file)
    lab.disk(last.location).unlink()
    run_cli(*look, "--json", config=lab.file)
    status = run_cli("status", "--json", config=lab.file)
    client = of(status, "aix01")
    assert (status.exit_code, client["verdict"]) == (1, "critical")
    assert "image_gone" in str(client["reason_codes"])
    if look == ("images", "list"):
        confirm_hand("deleted", "the one before counts", f"`status`: {client['verdict']}, `image_gone`")
    assert dict(client["last_good"])["location"] == first.location  # type: ignore[call-overload]
    listed = run_cli("images", "list", config=lab.file)
    (line,) = [line for line in listed.lines if str(last.resource) in line]
    assert "its file is gone" in line
    assert " ok " not in line


def test_a_file_that_comes_back_as_it_was_counts_again(lab: Lab, run_cli: Cli) -> None:
    (row,) = recent(lab, ages=(1,))
    run_cli("images", "list", config=lab.file)
    assert lab.row(row.id).inode is not None
    aside = lab.disk(row.location).with_suffix(".aside")
    lab.disk(row.location).rename(aside)
    run_cli("images", "list", config=lab.file)
    assert lab.row(row.id).fault_code == "image_missing"
    aside.rename(lab.disk(row.location))
    run_cli("images", "list", config=lab.file)
    assert (lab.row(row.id).fault, lab.row(row.id).managed) == (None, True)
    lab.run("touch", "-t", "202001010000", row.location)
    run_cli("images", "list", config=lab.file)
    assert "written to since" in str(lab.row(row.id).fault)
    verified = run_cli("images", "verify", "--full", "--json", config=lab.file)
    assert verified.exit_code == 0
    run_cli("images", "list", config=lab.file)
    assert lab.row(row.id).fault is None


def test_another_file_under_our_name_is_theirs(lab: Lab, run_cli: Cli) -> None:
    """The oldest image was made anew by a person: same place, same size. Retention never touches it."""
    rows = recent(lab)
    run_cli("images", "list", config=lab.file)
    place = lab.disk(rows[0].location)
    content = bytes(reversed(place.read_bytes()))
    place.rename(place.with_suffix(".aside"))
    place.write_bytes(content)
    pruned = run_cli("images", "prune", "--json", config=lab.file)
    assert pruned.exit_code == 0
    fates = {one["id"]: one["action"] for one in pruned.data["decisions"]}
    assert (fates[rows[0].id], fates[rows[1].id]) == ("keep", "removed")
    assert place.read_bytes() == content
    listed = run_cli("images", "list", "--json", config=lab.file)
    (image,) = [one for one in listed.data["images"] if one["id"] == rows[0].id]
    assert (image["managed"], image["fault"] is not None) == (False, True)
    confirm_hand(
        "replaced", f"{fates[rows[0].id]}: it is unmanaged now", f"`images list`: {image['fault'].split(':')[0]}"
    )


def test_a_hard_link_that_another_resource_has_keeps_the_image(lab: Lab, run_cli: Cli) -> None:
    rows = recent(lab)
    lab.run("ln", rows[0].location, "/export/nim/mksysb/golden")
    lab.define("golden", "/export/nim/mksysb/golden")
    pruned = run_cli("images", "prune", "--json", config=lab.file)
    (oldest,) = [one for one in pruned.data["decisions"] if one["id"] == rows[0].id]
    assert oldest["action"] == "keep"
    assert oldest["reason"] == "/export/nim/mksysb/golden is the same file"
    assert str(rows[0].resource) in lab.resources()
    confirm_hand("linked", oldest["action"], f"`images prune`: {oldest['reason']}")


def test_an_open_image_is_not_removed(lab: Lab, run_cli: Cli) -> None:
    rows = recent(lab)
    with lab.disk(rows[0].location).open("rb"):
        pruned = run_cli("images", "prune", "--json", config=lab.file)
    (oldest,) = [one for one in pruned.data["decisions"] if one["id"] == rows[0].id]
    assert oldest["action"] == "keep"
    assert "somebody has it open" in oldest["reason"]
    confirm_hand("open", oldest["action"], f"`images prune`: {oldest['reason'].partition(':')[0]}")
    assert lab.disk(rows[0].location).exists()


def test_a_mass_disappearance_stops_removals_until_a_person_has_looked(lab: Lab, run_cli: Cli) -> None:
    rows, others = recent(lab), recent(lab, "aix02", ages=(3, 2, 1))
    run_cli("status", "--refresh", "--json", config=lab.file)
    for row in others:
        lab.disk(row.location).unlink()
    pruned = run_cli("images", "prune", "--json", config=lab.file)
    assert {one["action"] for one in pruned.data["decisions"]} == {"keep"}
    assert all(lab.disk(row.location).exists() for row in rows)
    status = run_cli("status", "--json", config=lab.file)
    assert [one["code"] for one in status.data["faults"]].count("removals_stopped") == 1
    doctor = run_cli("doctor", "--json", config=lab.file)
    assert "removals:nim" in doctor.stdout
    confirm_hand("mass", "nothing is removed until `images prune --resume`", "`status`, `doctor`: `removals_stopped`")
    run_cli("images", "prune", "--json", config=lab.file)
    assert lab.disk(rows[0].location).exists()
    resumed = run_cli("images", "prune", "--resume", "--json", config=lab.file)
    fates = {one["id"]: one["action"] for one in resumed.data["decisions"]}
    assert fates[rows[0].id] == "removed"
    assert not lab.disk(rows[0].location).exists()


def test_a_backup_removes_no_more_than_its_image_and_one_bring(lab: Lab, run_cli: Cli) -> None:
    """``keep`` was ten, and is one by mistake: one night costs two images, not all."""
    rows = recent(lab, ages=(6, 5, 4, 3, 2, 1))
    lab.configure(backup={"keep": 1})
    ran = run_cli("backup", "aix01", "--json", config=lab.file)
    assert ran.exit_code == 0, ran.stderr
    gone = [not lab.disk(row.location).exists() for row in rows]
    assert gone == [True, True, False, False, False, False]
    confirm_hand(
        "keep", f"{sum(gone)} of {len(gone)} older images went that night", "`images prune --dry-run`: the rest"
    )
