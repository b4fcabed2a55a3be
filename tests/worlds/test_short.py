"""A few short worlds, always the same ones; `make worlds` makes many long ones."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.preloaded import Preloaded
from tests.worlds.machine import World


def test_a_few_worlds(loaded_nimwrap: Preloaded | None) -> None:
    class Forked(World):
        loaded = loaded_nimwrap

    few = settings(
        max_examples=3,
        stateful_step_count=8,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Forked, settings=few)  # type: ignore[no-untyped-call]
