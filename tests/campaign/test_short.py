"""A short campaign for every run of the tests; `make campaign N=200` is the long one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.campaign.__main__ import USABLE
from tests.campaign.stage import Act, count_points, perform, staged
from tests.sampling import some

SEED = 20261123


def check(tmp_path: Path, act: Act) -> None:
    with staged(tmp_path, act) as stage:
        assert perform(stage, random.Random(SEED)) == [], act


def test_every_step_of_a_backup_is_a_failpoint(tmp_path: Path) -> None:
    with staged(tmp_path, Act()) as stage:
        labels = count_points(stage)
    said = "\n".join(labels)
    for step in ("begin_run", "plan_change", "begin_attempt", "end_attempt", "add_image", "close_run"):
        assert f"history.{step} before" in said and f"history.{step} after" in said
    before = [label for label in labels if "host.run before" in label]
    assert len(before) == len([label for label in labels if "host.run after" in label]) >= 8


@pytest.mark.parametrize("kill_at", some([7, 20, 31, 42, 50, 58, 66, 74], always=[31, 66]))
def test_killed_at_a_failpoint_then_recovered(tmp_path: Path, kill_at: int) -> None:
    check(tmp_path, Act(behaviour=("merge", "replace", "refuse")[kill_at % 3], kill_at=kill_at))


@pytest.mark.parametrize("kill_after", some([0.9, 1.6, 2.4], always=[2.4]))
def test_killed_at_some_instant_then_recovered(tmp_path: Path, kill_after: float) -> None:
    check(tmp_path, Act(behaviour="replace", remedies=("pre-export", "own-mount"), kill_after=kill_after))


@pytest.mark.parametrize("variant", some(USABLE, always=["only-held"]))
@pytest.mark.parametrize("kill_at", some([31, 45, 66], always=[45]))
def test_killed_on_any_variant_nothing_is_left(tmp_path: Path, variant: str, kill_at: int) -> None:
    """`python -m tests.campaign --points --variant all` takes every point."""
    check(tmp_path, Act(variant=variant, kill_at=kill_at))


def test_wrapper_killed_too(tmp_path: Path) -> None:
    check(tmp_path, Act(kill_after=2.0, kill_wrapper=True))


def test_fixed_name_survives(tmp_path: Path) -> None:
    check(tmp_path, Act(kill_at=70, naming="fixed", client="powerha2"))
