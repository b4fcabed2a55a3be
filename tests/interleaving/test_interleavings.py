"""A sample of the explored interleavings; ``make interleavings N=50000`` is the whole of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from nimwrap.images import reverify
from tests.campaign.interleavings import Explored, Wanted, explore
from tests.interleaving.exploring import Schedule


def explored(name: str, switches: int = 1, beyond: int = 0) -> Explored:
    return explore(Wanted(name, os.environ["ESTATE_SERVER"], switches, beyond))


@contextmanager
def every_look_is_believed() -> Iterator[None]:
    """As it was: whoever looks at an image last writes down what he saw, whatever was found meanwhile."""
    with mock.patch.object(reverify, "_weighed", lambda check, known, stands: check):
        yield


def test_prune_beside_an_administrator_who_restores() -> None:
    found = explored("prune+restore", switches=2, beyond=40)
    assert found.violated == {}
    assert found.schedules > 100
    assert found.scripts < found.schedules, "what was seen once is run again"


def test_a_quick_look_beside_a_full_one() -> None:
    assert explored("quick+full").violated == {}


def test_a_fault_that_is_forgotten_is_found_and_said_with_its_schedule() -> None:
    with every_look_is_believed():
        ((violation, schedules),) = explored("quick+full").violated.items()
    assert "is forgotten" in violation
    name, _, schedule = schedules[0].partition("|")
    assert name == "quick+full"
    assert str(Schedule.parse(schedule)) == schedule
