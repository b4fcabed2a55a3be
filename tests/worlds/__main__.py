"""Many worlds: python -m tests.worlds -n 2000 --steps 30 [--seed 7]. A violation prints its story."""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from nimwrap.estate.server import running
from tests.preloaded import preloaded
from tests.running import environment
from tests.worlds.machine import World


def main() -> None:
    parser = argparse.ArgumentParser(description="Our commands and foreign hands in any order.")
    parser.add_argument("-n", type=int, default=20, help="how many worlds")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    number = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    many = settings(
        max_examples=options.n,
        stateful_step_count=options.steps,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a story of thirty steps is told as it was: to shorten it takes hours
        suppress_health_check=list(HealthCheck),
    )
    began = time.monotonic()
    print(f"{options.n} worlds of {options.steps} steps, seed {number}", flush=True)
    with tempfile.TemporaryDirectory(prefix="worlds-") as directory, running(Path(directory)) as place:
        os.environ["ESTATE_SERVER"] = place
        home = Path(directory) / "home"
        home.mkdir()
        with preloaded(home, environment(home)) or nullcontext() as loaded:
            World.loaded = loaded
            run_state_machine_as_test(seed(number)(World), settings=many)  # type: ignore[no-untyped-call]
    print(f"{options.n} worlds in {time.monotonic() - began:.0f} s, 0 violations")


if __name__ == "__main__":
    main()
