"""What others do to images and clocks meanwhile, through the commands: nothing is lost, and everything is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.images.imagelab import Lab
from tests.running import Ran

Run = Callable[..., Ran]


def test_no_run_removes_the_image_it_has_just_made(lab: Lab, run_cli: Run) -> None:
    """A clock was wrong for some nights: each of the older images is dated after the new one."""
    now = datetime.now(UTC)
    rows = [lab.make(days=age, created=now + timedelta(days=30 - age)) for age in (5, 4, 3, 2)]
    ran = run_cli("backup", "aix01", "--json", config=lab.file)
    assert ran.exit_code == 0, ran.stderr
    (run,) = ran.data["runs"]
    assert lab.disk(run["image"]["location"]).exists()
    assert run["image"]["resource"] in lab.resources()
    assert all(lab.disk(row.location).exists() for row in rows)


def test_a_run_under_a_clock_that_went_back_keeps_its_image(lab: Lab) -> None:
    """The new image is the oldest of all by its date, and no date is in the future."""
    from nimwrap.images.prune import apply_retention

    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    new = lab.make(days=900, run="now")
    apply_retention(lab.context, "aix01", "mksysb", datetime.now(UTC), made_by="now")
    assert lab.disk(new.location).exists()
    assert lab.row(new.id).removed is None
    assert [lab.disk(row.location).exists() for row in rows] == [False, False, True, True]


def test_a_date_in_the_future_is_a_fault_that_is_named(lab: Lab, run_cli: Run) -> None:
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
