"""Verdicts on images that others judge, move or remove at the same time: what was not seen is never wiped out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from nimwrap.history.sqlite.codec import Row
from nimwrap.images.image_fault import ImageFault, fault_columns
from nimwrap.images.prune import apply_retention
from nimwrap.images.reverify import Budget, Check, verify
from tests.cutting import CutHost
from tests.images.imagelab import NOW, Lab

FULL_FAULT = ImageFault("it cannot be read to its end", "image_unreadable", "full")
"""Its words say neither code nor level: nothing is read out of them."""


def look(lab: Lab, rows: Sequence[Row], full: Sequence[Row] = (), **context: Any) -> list[Check]:
    return list(verify(lab.context, rows, full, frozenset(), Budget(lambda: None), NOW))


def test_a_quick_pass_does_not_clear_a_fault_it_never_saw(lab: Lab) -> None:
    """A3: it read its rows, then a full read found the newest one damaged; retention must keep the whole one."""
    whole, damaged = lab.make(days=7), lab.make(days=1)
    lab.configure(backup={"keep": 1})
    lab.store.update_image(damaged.id, **fault_columns(FULL_FAULT))
    (check,) = look(lab, [damaged])
    assert (check.ok, check.fault) == (False, FULL_FAULT)
    assert ImageFault.of(lab.row(damaged.id)) == FULL_FAULT
    apply_retention(lab.context, "aix01", "mksysb", NOW)
    assert lab.disk(whole.location).exists()


def test_a_quick_fault_does_not_take_the_place_of_a_full_one(lab: Lab) -> None:
    """Else the next quick pass would clear it."""
    row = lab.make(days=1)
    lab.store.update_image(row.id, **fault_columns(FULL_FAULT))
    lab.undefine(row.resource)
    (check,) = look(lab, [lab.row(row.id)])
    assert (check.ok, ImageFault.of(lab.row(row.id))) == (False, FULL_FAULT)


def test_a_full_read_does_not_clear_what_was_found_since_it_began(lab: Lab) -> None:
    row = lab.make(days=1)
    fault = ImageFault("there is no resource", "image_missing", "quick")
    lab.store.update_image(row.id, **fault_columns(fault))
    (check,) = look(lab, [], [row])
    assert (check.ok, ImageFault.of(lab.row(row.id))) == (False, fault)


@pytest.mark.parametrize("change", [{"location": "/export/nim/mksysb/aix01/aix01_mksysb.mksysb"}, {"removed": NOW}])
def test_an_image_that_moved_meanwhile_gets_no_verdict(lab: Lab, change: dict[str, Any]) -> None:
    """B3: what was read is another file by now."""
    row = lab.make(days=1)
    lab.disk(row.location).write_bytes(b"x" * row.size_bytes)

    def moved(script: str, run: Any) -> None:
        lab.store.update_image(row.id, **change)

    lab.host = CutHost(lab.host, moved)
    (check,) = look(lab, [], [row])
    assert check.ok is None and check.skipped
    assert lab.row(row.id).fault is None
