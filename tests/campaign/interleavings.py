"""The explorer of interleavings: every schedule with at most two switches of every scenario, then random ones.

    python -m tests.campaign.interleavings -n 50000
    python -m tests.campaign.interleavings --scenario backup+prune --switches 1
    python -m tests.campaign.interleavings --replay 'backup+prune|backup>prune,17:prune'

What runs is nimwrap's own code below its actions, and its own scripts in a real shell on the embedded estate
(``tests/interleaving``); what was seen once is not run again. Not covered: what lies inside one script or one
transaction, the half-written image of an operation (a detached wrapper is one step, and is noted, not running, before
it), lost answers (``make cuts``), heartbeats. The exit status is the number of scenarios with a violation, at most 100.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from nimwrap.estate.server import running
from tests.interleaving.exploring import Ended, Play, Schedule, bounded
from tests.interleaving.scenarios import ALL, Staged, staged

SHOWN = 3
MOST_RANDOM_SWITCHES = 8


@dataclass
class Explored:
    """What came of one scenario. ``violated``: the schedules by what they violate."""

    name: str
    schedules: int = 0
    distinct: int = 0
    scripts: int = 0
    seconds: float = 0.0
    violated: dict[str, list[str]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def broken(self) -> int:
        return len({each for schedules in self.violated.values() for each in schedules})

    def line(self) -> str:
        return (
            f"{self.name}: {self.schedules} schedules, {self.distinct} of them different, {self.scripts} scripts run, "
            f"{self.seconds:.0f} s, {self.broken} with a violation"
        )


@dataclass(frozen=True)
class Wanted:
    """``beyond``: how many random schedules after those with ``switches``; ``limit_s``: no more is begun after that."""

    name: str
    server: str
    switches: int = 2
    beyond: int = 0
    seed: int = 0
    limit_s: float = 1e9


def explore(wanted: Wanted) -> Explored:
    """Play a scenario's schedules."""
    os.environ["ESTATE_SERVER"] = wanted.server
    shared = Path("/dev/shm")
    found, began, different = Explored(wanted.name), time.monotonic(), set[int]()
    with (
        tempfile.TemporaryDirectory(prefix="nimwrap-", dir=shared if shared.is_dir() else None) as directory,
        staged(ALL[wanted.name], Path(directory) / "world") as stage,
    ):
        for schedule, ended in _schedules(stage, wanted):
            found.schedules += 1
            different.add(hash(tuple(ended.steps)))
            found.ends[", ".join(f"{name} {how[:40]}" for name, how in sorted(ended.how.items()))] += 1
            for violation in judged(stage, ended):
                found.violated.setdefault(violation, []).append(f"{wanted.name}|{schedule}")
            if time.monotonic() - began > wanted.limit_s:
                break
        found.scripts = stage.world.master.runs
    found.distinct, found.seconds = len(different), time.monotonic() - began
    return found


def judged(stage: Staged, ended: Ended) -> list[str]:
    """What does not hold, after a recover where somebody was killed or silent."""
    found = stage.reality.violations(ended)
    if not stage.reality.strict:
        found = found + stage.reality.at_the_end(stage.recovered(ended.moment))
    return found


def _schedules(stage: Staged, wanted: Wanted) -> Iterator[tuple[Schedule, Ended]]:
    names, seen, longest = ALL[wanted.name].actors, set[str](), 1
    for schedule, ended in bounded(stage.world, stage.at, names, wanted.switches):
        seen.update(ended.steps)
        longest = max(longest, len(ended.steps))
        yield schedule, ended
    rng, who = random.Random(wanted.seed), sorted(seen)
    for _ in range(wanted.beyond):
        count = rng.randint(wanted.switches + 1, MOST_RANDOM_SWITCHES)
        switches = [(rng.randrange(1, longest), rng.choice(who)) for _ in range(count)]
        schedule = Schedule(tuple(rng.sample(names, len(names))), tuple(sorted(switches)))
        yield schedule, Play(stage.world, stage.at, names).to_the_end(schedule)


def replay(text: str, server: str) -> int:
    """Play one schedule and tell all of it."""
    name, _, schedule = text.partition("|")
    os.environ["ESTATE_SERVER"] = server
    with (
        tempfile.TemporaryDirectory(prefix="nimwrap-") as directory,
        staged(ALL[name], Path(directory) / "world") as stage,
    ):
        play, wanted = Play(stage.world, stage.at, ALL[name].actors), Schedule.parse(schedule)
        ended = play.to_the_end(wanted, tell=print)
        found = judged(stage, ended)
        print(*(f"{who}: {how}" for who, how in ended.how.items()), *found, sep="\n")
        return min(len(found), 100)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try the schedules of what is done at one master at the same time.")
    parser.add_argument("-n", type=int, default=0, help="at least so many schedules: random ones beyond all others")
    parser.add_argument("--scenario", action="append", help="only those whose name holds this text")
    parser.add_argument("--switches", type=int, default=2, help="all schedules with at most so many")
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1e9, help="seconds after which a scenario is left")
    parser.add_argument("--replay", help="SCENARIO|SCHEDULE, as a violation prints it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="estate-") as directory, running(Path(directory)) as server:
        if options.replay:
            return replay(options.replay, server)
        names = [name for name in ALL if any(text in name for text in options.scenario or [""])]
        share = -(-options.n // len(names))
        parts = [Wanted(name, server, options.switches, share, options.seed, options.limit) for name in names]
        return _told(parts, options.jobs)


def _told(parts: list[Wanted], jobs: int) -> int:
    began, total, broken = time.monotonic(), Explored("all"), 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork"), max_tasks_per_child=None) as pool:
        for one in pool.map(explore, parts):
            print(one.line(), flush=True)
            for violation, schedules in one.violated.items():
                print(
                    f"  {violation}  ({len(schedules)} schedules)", *(f"    {it}" for it in schedules[:SHOWN]), sep="\n"
                )
            total.schedules, total.distinct = total.schedules + one.schedules, total.distinct + one.distinct
            total.scripts, broken = total.scripts + one.scripts, broken + bool(one.violated)
            total.violated |= {f"{one.name} {text}": schedules for text, schedules in one.violated.items()}
    total.seconds = time.monotonic() - began
    print(total.line())
    return min(broken, 100)


if __name__ == "__main__":
    sys.exit(main())
