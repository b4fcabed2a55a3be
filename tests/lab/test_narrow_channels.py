"""Narrow channels on a real network, with real NFS: the founding case over each; `make lab` takes all of them."""

from __future__ import annotations

import pytest

from tests.faults.variants import VARIANTS
from tests.lab.lab import SERVICE, Lab
from tests.lab.test_founding_case import BOOT, only_run

NARROW = (
    *("cut-2048", "refuse-1024", "refuse-512", "double-quotes", "both-quotes", "dollars", "ampersands", "semicolons"),
    *("wrapped", "one-line", "merged", "status-hidden", "smallest", "methods-only-ssh"),
)
SAMPLE = ("smallest",)
pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.slow]) for name in NARROW]
)
def test_the_founding_case_over_a_narrow_channel(lab: Lab, name: str) -> None:
    before = lab.exports_text()
    for switch, value in VARIANTS[name].switches.items():
        lab.estate.fault(switch, value, "powerha1")
    ran = lab.nimwrap(lab.config("ssh"), "backup", "powerha1", "--json", timeout=240)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["remedy"]) == (0, "ok", "own-mount"), ran.stdout + ran.stderr
    assert run["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": "perl"}
    assert lab.images() == [run["image"]["location"]]
    assert lab.exports_text() == before
    assert lab.left() == []
