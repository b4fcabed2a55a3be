"""Retention on the estate: what goes, what stays, what a crash or a lie on the disk may not lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.images.fixed_name import take_fixed_name
from nimwrap.images.interrupted_removals import finish_removals
from nimwrap.images.master_catalog import MasterState, survey
from nimwrap.images.prune import PruneDecision, apply_retention, held_clients, plan_prune, prune_clients
from tests.cutting import lost_once
from tests.images.imagelab import NOW, Lab


def prune(lab: Lab) -> list[PruneDecision]:
    state, held = survey(lab.host, lab.context.master), held_clients(lab.reader, NOW)
    return prune_clients(lab.context, plan_prune(lab.rows(), lab.config, held, state, NOW), NOW)


def actions(verdicts: list[PruneDecision]) -> dict[int, str]:
    return {verdict.row.id: verdict.action for verdict in verdicts}


def test_old_ones_go_with_resource_and_file(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2, 1)]
    done = apply_retention(lab.context, "aix01", "mksysb", NOW)
    fates = ["removed", "removed", "keep", "keep", "keep"]
    assert actions(done) == dict(zip([row.id for row in rows], fates, strict=True))
    assert set(lab.resources()) == {row.resource for row in rows[2:]}
    assert [lab.disk(row.location).exists() for row in rows] == [False, False, True, True, True]
    assert lab.row(rows[0].id).removed == "2026-11-23T01:00:00+00:00"
    assert apply_retention(lab.context, "aix01", "mksysb", NOW) == []


def test_nothing_due_costs_no_round_trip(lab: Lab) -> None:
    lab.make(days=1)
    lab.estate.clear_log()
    assert apply_retention(lab.context, "aix01", "mksysb", NOW) == []
    assert lab.estate.log() == []


@pytest.mark.parametrize("column", [{"pinned": True}, {"managed": False}])
def test_pinned_and_unmanaged_stay(lab: Lab, column: dict[str, Any]) -> None:
    rows = [lab.make(days=age, **(column if age == 5 else {})) for age in (5, 4, 3, 2, 1)]
    assert actions(prune(lab))[rows[0].id] == "keep"
    assert lab.disk(rows[0].location).exists()
    assert not lab.disk(rows[1].location).exists()


def test_allocated_stays_and_its_client_too_when_held(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2, 1)]
    lab.run("/usr/sbin/nim", "-o", "allocate", "-a", f"mksysb={rows[0].resource}", "aix02")
    assert actions(prune(lab)) == {
        rows[0].id: "keep",
        rows[1].id: "removed",
        **{row.id: "keep" for row in rows[2:]},
    }
    other = [lab.make("aix02", age) for age in (5, 4, 3, 2)]
    lab.store.hold("nim", "aix02", "restore test", NOW, None)
    assert actions(prune(lab))[other[0].id] == "keep"
    lab.store.release("nim", "aix02", NOW)
    assert actions(prune(lab))[other[0].id] == "removed"


def test_a_client_that_is_being_backed_up_is_left(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.run("mkdir", "-p", "/var/adm/nimwrap/locks/aix01")
    (kept,) = [each for each in prune(lab) if each.row.id == rows[0].id]
    assert kept.action == "keep" and "aix01 is locked by run" in kept.reason


@pytest.mark.parametrize("harm", ["gone", "cut", "undefined"])
def test_nothing_goes_when_the_newest_good_one_is_not_there(lab: Lab, harm: str) -> None:
    """The history believes in an image that the disk does not have: the old ones are all there is."""
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    newest = lab.disk(rows[-1].location)
    if harm == "gone":
        newest.unlink()
    elif harm == "cut":
        newest.write_bytes(newest.read_bytes()[:100_000])
    else:
        lab.undefine(rows[-1].resource)
    verdicts = prune(lab)
    assert set(actions(verdicts).values()) == {"keep"}
    (oldest,) = [each for each in verdicts if each.row.id == rows[0].id]
    assert "newest good image" in oldest.reason or lab.row(rows[-1].id).fault_level == "seen"
    assert lab.disk(rows[0].location).exists()


def test_a_resource_that_points_elsewhere_is_not_touched(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.undefine(rows[0].resource)
    lab.run("cp", rows[0].location, "/export/nim/mksysb/handmade")
    lab.define(rows[0].resource, "/export/nim/mksysb/handmade")
    (oldest,) = [each for each in prune(lab) if each.row.id == rows[0].id]
    assert (oldest.action, oldest.reason) == ("keep", "the resource is defined at /export/nim/mksysb/handmade")
    assert lab.disk("/export/nim/mksysb/handmade").exists()
    assert lab.row(rows[0].id).removal is None


def test_a_file_that_another_resource_uses_is_not_touched(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.undefine(rows[0].resource)
    lab.define("golden", rows[0].location)
    (oldest,) = [each for each in prune(lab) if each.row.id == rows[0].id]
    assert oldest.action == "keep"
    assert "golden" in oldest.reason
    assert lab.disk(rows[0].location).exists()


def test_a_name_that_no_shell_may_see(lab: Lab) -> None:
    row = lab.make(days=9)
    for age in (3, 2, 1):
        lab.make(days=age)
    lab.store.update_image(row.id, location="/export/nim/mksysb/$(touch /tmp/owned)")
    (oldest,) = [each for each in prune(lab) if each.row.id == row.id]
    assert oldest.action == "keep"
    assert "not a plain path" in oldest.reason
    assert not lab.disk("/tmp/owned").exists()


def test_two_failing_nights_leave_every_good_image(lab: Lab) -> None:
    """The case that empties the peers (reference peers section 2.2)."""
    good = [lab.make(days=age) for age in (5, 4, 3)]
    lab.estate.fault("truncated_image_rc0", True)
    for night in (2, 1):
        expected, location = lab.attempt("aix01", night)
        proof = lab.prove(expected)
        assert not proof.good
        lab.record("aix01", "mksysb", expected, proof, location=location, created=NOW - timedelta(days=night))
        apply_retention(lab.context, "aix01", "mksysb", NOW)
    assert all(lab.disk(row.location).exists() for row in good)
    assert {row.resource for row in good} <= set(lab.resources())


def test_an_end_that_cannot_be_recorded_follows_at_the_next_recover(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    write: Callable[..., None] = lab.store.update_image

    def no_ends(image_id: int, **values: Any) -> None:
        if "removed" in values:
            raise StoreUnavailable("the history is locked", code="history_locked")
        write(image_id, **values)

    monkeypatch.setattr(lab.store, "update_image", no_ends)
    (gone,) = [each for each in prune(lab) if each.action == "removed"]
    assert gone.row.id == rows[0].id
    assert not lab.disk(rows[0].location).exists()
    assert lab.row(rows[0].id).removal == "planned"
    monkeypatch.undo()
    ((row, removal),) = finish_removals(lab.context, NOW)
    assert (row.id, removal.ending) == (rows[0].id, "removed")
    assert lab.row(rows[0].id).removed is not None
    assert finish_removals(lab.context, NOW) == []


@pytest.mark.parametrize("begun", ["nothing", "object", "file"])
def test_a_crash_in_a_removal_is_finished_or_taken_back(lab: Lab, begun: str) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.store.update_image(rows[0].id, removal="planned")
    if begun == "object":
        lab.undefine(rows[0].resource)
    elif begun == "file":
        lab.disk(rows[0].location).unlink()
    finish_removals(lab.context, NOW)
    there = lab.row(rows[0].id).removed is None
    assert there is (begun == "nothing")
    prune(lab)
    assert lab.row(rows[0].id).removal == "removed"
    assert rows[0].resource not in lab.resources()
    assert not lab.disk(rows[0].location).exists()
    assert all(lab.disk(row.location).exists() for row in rows[1:])


def test_a_removal_that_nobody_knows_about_stays_journalled(lab: Lab) -> None:
    """A2: the question how far it came was cut; meanwhile the image was pinned, and it is the only one."""
    row = lab.make(days=9)
    lab.store.update_image(row.id, removal="planned", pinned=True)
    host = lost_once(lab.host, f"[ -f {row.location} ]")
    ((_, removal),) = finish_removals(replace(lab.context, host=host), NOW)
    assert removal.ending == "failed"
    assert (lab.row(row.id).removal, lab.row(row.id).removed) == ("planned", None)
    assert lab.disk(row.location).exists()
    ((_, removal),) = finish_removals(lab.context, NOW)
    assert removal.ending == "left"
    assert lab.disk(row.location).exists()


def test_a_half_done_removal_of_an_image_pinned_since_is_not_finished(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.store.update_image(rows[0].id, removal="planned", pinned=True)
    lab.undefine(rows[0].resource)
    ((_, removal),) = finish_removals(lab.context, NOW)
    assert (removal.ending, lab.row(rows[0].id).removal) == ("left", None)
    assert "pinned" in removal.reason
    assert lab.disk(rows[0].location).exists()


def test_a_half_done_removal_waits_for_whoever_works_on_the_client(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.store.update_image(rows[0].id, removal="planned")
    lab.run("mkdir", "-p", "/var/adm/nimwrap/locks/aix01")
    assert finish_removals(lab.context, NOW) == []
    assert lab.row(rows[0].id).removal == "planned"


def test_the_image_of_the_fixed_name_stays_until_the_name_has_moved(lab_with: Callable[..., Lab]) -> None:
    """A13: NIM refused the name to the new image, and retention removed the one that still had it."""
    lab = lab_with(backup={"naming": "fixed", "keep": 1})
    old = lab.make(days=7)
    assert take_fixed_name(lab.context, old, "20261116T010000-aix01-0001", NOW - timedelta(days=7)).moved
    lab.make(days=1)
    assert apply_retention(lab.context, "aix01", "mksysb", NOW) == []
    assert "aix01_mksysb" in lab.resources()


def test_a_plan_made_before_another_image_took_its_place_removes_nothing_of_it(lab: Lab) -> None:
    """A11: rows and decisions were made once, the removals followed for hours; meanwhile the place was another's."""
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    foreseen = plan_prune(lab.rows(), lab.config, held_clients(lab.reader, NOW), MasterState({}), NOW)
    assert actions(foreseen)[rows[0].id] == "remove"
    lab.store.update_image(rows[0].id, pinned=True)
    done = prune_clients(lab.context, foreseen, NOW)
    assert actions(done)[rows[0].id] == "keep"
    assert lab.disk(rows[0].location).exists()


def test_another_file_at_the_place_of_an_image_is_not_removed_for_it(lab: Lab) -> None:
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    with lab.disk(rows[0].location).open("ab") as file:
        file.write(b"x" * 512)
    (oldest,) = [each for each in prune(lab) if each.row.id == rows[0].id]
    assert oldest.action == "keep" and "another one" in oldest.reason
    assert rows[0].resource in lab.resources()
