"""What others do to images and clocks meanwhile, through the commands: nothing is lost, and everything is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nimwrap.domain.retention import Action, Generation, KeepRules, decide
from tests.images.imagelab import Lab
from tests.running import Cli


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
    doctor = run_cli("doctor", "--json", config=lab.file)
    assert doctor.exit_code == 1
    assert row.location in doctor.stdout
    pruned = run_cli("images", "prune", "--json", config=lab.file)
    assert pruned.exit_code == 0
    assert lab.disk(row.location).exists()
