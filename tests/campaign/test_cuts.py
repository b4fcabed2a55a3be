"""A sample of the cut campaign for every run of the tests; `make cuts N=0` is the whole of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaign.cuts import Cut, count, cuts_of, perform, spread, staged


@pytest.mark.parametrize(
    "name, behaviour, cut", [("prune", "replace", Cut("after", 3, 1)), ("verify", "merge", Cut("garbled", 2, 2))]
)
def test_cut_done_again_and_recovered(tmp_path: Path, name: str, behaviour: str, cut: Cut) -> None:
    with staged(tmp_path, name, behaviour, os.environ["ESTATE_SERVER"]) as stage:
        assert count(stage) >= cut.first + cut.width - 1
        assert perform(stage, cut) == []


def test_a_sample_reaches_from_the_first_trips_to_the_last() -> None:
    every = cuts_of(100)
    assert len(every) == 800
    assert spread(every, 0) == every
    assert [cut.first for cut in spread(every, 4)] == [13, 38, 63, 88]
