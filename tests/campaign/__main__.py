"""The campaign from the command line.

    python -m tests.campaign --points            every failpoint of a backup, each killed once
    ... --points --variant all                   the same on every variant of a client and its channel
    python -m tests.campaign -n 200 --seed 7     failpoints and random instants, drawn

Every act has an estate of its own. The exit status is the number of acts with a violation, at most 100.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.campaign.stage import Act, count_points, perform, staged
from tests.faults.variants import VARIANTS

BEHAVIOURS = ("merge", "replace", "refuse")
LONGEST_S = 4.0
USABLE = tuple(name for name, variant in VARIANTS.items() if not variant.refused)
"""Variants on which something can be begun, so that there is something to be left."""


def one(number: int, act: Act, seed: int) -> tuple[int, Act, list[str]]:
    """Play one act in a directory of its own."""
    root = Path(tempfile.mkdtemp(prefix="nimwrap-campaign-"))
    try:
        with staged(root, act) as stage:
            return number, act, perform(stage, random.Random(seed))
    except Exception as error:
        return number, act, [f"the act itself broke: {type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def points_of(act: Act) -> list[str]:
    root = Path(tempfile.mkdtemp(prefix="nimwrap-campaign-"))
    try:
        with staged(root, act) as stage:
            return count_points(stage)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def drawn(count: int, seed: int, transports: list[str]) -> Iterator[Act]:
    """Acts of all kinds: half of them at failpoints, half at random instants, some with the wrapper killed too."""
    rng = random.Random(seed)
    for _ in range(count):
        at_point = rng.random() < 0.5
        first = rng.choice(("own-mount", "pre-export"))
        second = "pre-export" if first == "own-mount" else "own-mount"
        yield Act(
            behaviour=rng.choice(BEHAVIOURS),
            transport=rng.choice(transports),
            client=rng.choice(("powerha1", "powerha1", "powerha2")),
            remedies=(first, second),
            kill_at=rng.randint(1, 90) if at_point else None,
            kill_after=None if at_point else rng.uniform(0.1, LONGEST_S),
            kill_wrapper=rng.random() < 0.25,
            naming=rng.choice(("dated", "dated", "fixed")),
            variant=rng.choice(("plain", rng.choice(USABLE))),
        )


def every_point(options: argparse.Namespace, transport: str) -> list[Act]:
    """Each Nth failpoint of a backup on each variant asked for."""
    variants = options.variant or ["plain"]
    acts = []
    for variant in USABLE if "all" in variants else variants:
        act = Act(options.behaviour, transport, naming=options.naming, variant=variant)
        numbers = range(1, len(points_of(act)) + 1, options.every)
        acts += [replace(act, kill_at=number) for number in numbers]
    return acts


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill nimwrap anywhere, recover, and see that nothing is lost.")
    parser.add_argument("-n", type=int, default=20, help="how many acts to draw")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--points", action="store_true", help="every failpoint once, instead")
    parser.add_argument("--every", type=int, default=1, help="with --points: only every Nth")
    parser.add_argument("--behaviour", choices=BEHAVIOURS, default="merge", help="with --points")
    parser.add_argument("--naming", choices=("dated", "fixed"), default="dated", help="with --points")
    parser.add_argument("--variant", action="append", choices=(*USABLE, "all"), help="with --points; several")
    parser.add_argument("--transport", action="append", choices=("local", "ssh", "openssh"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    transports = options.transport or ["local"]
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    if options.points:
        acts = every_point(options, transports[0])
        print(f"{len(acts)} failpoints, each killed once, {options.behaviour}, {transports[0]}")
    else:
        acts = list(drawn(options.n, seed, transports))
        print(f"{len(acts)} acts, seed {seed}, transports {', '.join(transports)}")
    began, broken, kinds = time.monotonic(), 0, Counter[str]()
    with ThreadPoolExecutor(options.jobs) as pool:
        for number, act, found in pool.map(lambda pair: one(pair[0], pair[1], seed + pair[0]), enumerate(acts, 1)):
            kinds[f"{act.behaviour}, {act.transport}, {act.variant}"] += 1
            if found:
                broken += 1
                print(f"act {number}: {act}", *(f"  {line}" for line in found), sep="\n", flush=True)
    for kind, count in sorted(kinds.items()):
        print(f"  {kind}: {count}")
    print(f"{len(acts)} acts in {time.monotonic() - began:.0f} s, {broken} with a violation of (a) to (e)")
    return min(broken, 100)


if __name__ == "__main__":
    sys.exit(main())
