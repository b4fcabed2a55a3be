"""A sample of the cut campaign for every run of the tests; `make cuts N=0` is the whole of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.campaign.cuts import cuts_of, spread
from tests.running import ROOT


@pytest.mark.parametrize("name, behaviour", [("prune", "replace"), ("verify", "merge")])
def test_cut_done_again_and_recovered(name: str, behaviour: str) -> None:
    """In a process of its own, as the campaign is: it forks, and what other tests have open is none of its business."""
    words = ["-m", "tests.campaign.cuts", "-n", "1", "--act", name, "--behaviour", behaviour]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 of ")


def test_a_sample_reaches_from_the_first_trips_to_the_last() -> None:
    every = cuts_of(100)
    assert len(every) == 800
    assert spread(every, 0) == every
    assert [cut.first for cut in spread(every, 4)] == [13, 38, 63, 88]
