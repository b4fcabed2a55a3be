"""What is decided about an image is done only while its row, and its client's lock, are still as they were then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nimwrap.hosts.protocol import CommandResult
from nimwrap.images.adoption import record_images, unrecorded
from nimwrap.images.image_inventory import inventory
from nimwrap.images.interrupted_removals import finish_removals
from nimwrap.images.master_catalog import read_catalog
from nimwrap.images.prune import apply_retention
from nimwrap.master_context import MasterContext
from tests.cutting import CutHost
from tests.images.imagelab import NOW, Lab


def meanwhile(lab: Lab, word: str, happens: Callable[[], object]) -> MasterContext:
    """``happens`` before the first script with ``word`` in it runs."""
    met: list[str] = []

    def meet(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if word in script and not met:
            met.append(script)
            happens()
        return None

    return replace(lab.context, host=CutHost(lab.host, meet))


def test_an_image_pinned_after_the_decision_stays(lab: Lab) -> None:
    """Journalled and removed was whatever had been decided, with the pin set meanwhile."""
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    context = meanwhile(lab, "lsmksysb", lambda: lab.store.update_image(rows[0].id, pinned=True))
    (own,) = [each for each in apply_retention(context, "aix01", "mksysb", NOW) if each.row.id == rows[0].id]
    assert (own.action, lab.row(rows[0].id).removal) == ("keep", None) and "decided anew" in own.reason
    assert lab.disk(rows[0].location).exists()


def test_a_journalled_removal_is_read_again_under_the_lock(lab: Lab) -> None:
    """Another nimwrap finished it, and its place holds another image by then."""
    rows = [lab.make(days=age) for age in (5, 4, 3, 2)]
    lab.store.update_image(rows[0].id, removal="planned")
    done = {"removal": "removed", "removed": NOW}
    context = meanwhile(lab, '> "$lock/owner"', lambda: lab.store.update_image(rows[0].id, **done))
    assert finish_removals(context, NOW) == []
    assert lab.row(rows[0].id).removal == "removed"
    assert lab.disk(rows[0].location).exists()


def test_an_import_never_displaces_what_a_backup_records_meanwhile(lab: Lab) -> None:
    """The run's own row was marked as removed, and its image unmanaged from then on."""
    expected, location = lab.attempt("aix01", 1)
    proof = lab.prove(expected)
    catalog = read_catalog(lab.host, lab.config, "nim")
    entries = unrecorded(inventory("nim", [], catalog, NOW))

    def recorded() -> None:
        lab.record("aix01", "mksysb", expected, proof, location=location, created=NOW)

    context = meanwhile(lab, "lsmksysb", recorded)
    (left,) = record_images(context, entries, catalog, NOW)
    assert left.image is None and left.reason == "it was recorded meanwhile"
    (row,) = lab.rows("aix01")
    assert row.managed and row.removed is None
