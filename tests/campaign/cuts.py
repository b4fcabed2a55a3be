"""The cut campaign: every round trip of every act lost or not understood, the act again, recover, what holds then.

    python -m tests.campaign.cuts -n 0                     all cuts of all acts in all export behaviours
    python -m tests.campaign.cuts -n 40 --act own-mount    40 of them, spread evenly
    python -m tests.campaign.cuts -n 0 --shard 2/3         the second third of all

The exit status is the number of cuts with a violation, at most 100.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from nimwrap.estate import build
from nimwrap.estate.image import DamagedError, check_whole
from nimwrap.estate.server import running
from tests.campaign.cut_acts import ACTS, CutStage
from tests.campaign.cut_nimwrap import KINDS
from tests.campaign.stage import violations

BEHAVIOURS = ("merge", "replace", "refuse")


@dataclass(frozen=True)
class Cut:
    """``width`` round trips in a row, from number ``first`` on."""

    kind: str
    first: int
    width: int


@contextmanager
def staged(root: Path, name: str, behaviour: str, server: str = "") -> Iterator[CutStage]:
    """The estate of one act, with a good image of its client, put back by ``reset`` before each cut."""
    build(root / "estate", server=server)
    stage = CutStage(root, name, behaviour)
    stage.estate.behaviour(behaviour)
    stage.estate.instant()
    stage.must("backup", stage.cut_act.client)
    clean = stage.estate.exports_text()
    stage.good = stage.images()
    stage.cut_act.prepare(stage)
    good = stage.good
    stage.keep()
    stage.exports = clean  # an act may find the exports of a killed one, and must leave none of them
    if stage.cut_act.killed:
        stage.good = good
    try:
        yield stage
    finally:
        stage.reset()
        stage.estate.stop()


def count(stage: CutStage) -> int:
    """The round trips of the whole act."""
    stage.reset()
    words = stage.cut_act.words + stage.cut_act.begin(stage)
    code, said, made = stage.cut(words, KINDS[0], 0, 0)
    assert code == 0, said.decode()
    return made


def cuts_of(trips: int) -> list[Cut]:
    """All of them: each kind at each round trip, once and twice in a row."""
    return [Cut(kind, first, width) for first in range(1, trips + 1) for kind in KINDS for width in (1, 2)]


def spread(every: list[Cut], limit: int) -> list[Cut]:
    """``limit`` of them, evenly; 0 is all."""
    if not limit or limit >= len(every):
        return every
    return [every[(2 * number + 1) * len(every) // (2 * limit)] for number in range(limit)]


def perform(stage: CutStage, cut: Cut) -> list[str]:
    """Cut the act, do it again, recover, and return what does not hold; empty when all is well."""
    stage.reset()
    words = stage.cut_act.words + stage.cut_act.begin(stage)
    _, said, _ = stage.cut(words, cut.kind, cut.first, cut.first + cut.width - 1)
    found = _bugs("cut", said)
    found += (f"after the cut: {line}" for line in _good_ones(stage))
    stage.estate.release_images()
    again = stage.call(*words)
    found += _bugs("again", again.stdout + again.stderr)
    for process in stage.background:
        process.wait(120)
    recovered = stage.call("recover", "--json")
    found += _bugs("recover", recovered.stdout + recovered.stderr)
    if recovered.returncode != 0:
        found.append(f"recover ended with {recovered.returncode}: {recovered.stdout.decode()}")
    if again.returncode not in stage.cut_act.again:
        found.append(f"again it ended with {again.returncode}: {again.stderr.decode()[-600:]}")
    kept = stage.good
    if stage.cut_act.loses:
        stage.good = {}
    found += violations(stage)
    stage.good = kept
    return found + list(_good_ones(stage))


def _bugs(call: str, said: bytes) -> list[str]:
    """What only an error of our own makes nimwrap say."""
    bug = any(sign in said for sign in (b"Traceback", b"itself failed", b"a bug in nimwrap"))
    return [f"{call}: an error of our own: {said.decode(errors='replace')[-900:]}"] if bug else []


def _good_ones(stage: CutStage) -> Iterator[str]:
    """A whole image is there, and no whole one that is recorded has a fault."""
    whole = {path for path in stage.images() if _is_whole(stage.estate.files("nim") / path.lstrip("/"))}
    if not whole:
        yield "(b) no whole image is left"
    if not (stage.root / "estate/nimwrap/history.db").exists():
        return
    for row in stage.rows("select location, verified, fault from images where removed is null"):
        if row["location"] in whole and (not row["verified"] or row["fault"]):
            yield f"(c) the whole image {row['location']} is recorded with a fault: {row['fault']}"


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            check_whole(file)
    except (OSError, DamagedError):
        return False
    return True


@dataclass(frozen=True)
class Part:
    """``limit`` cuts of one act in one behaviour, 0 for all; of these the ``shard``-th of ``shards`` parts."""

    name: str
    behaviour: str
    limit: int
    server: str
    shard: int = 1
    shards: int = 1

    def chosen(self, every: list[Cut]) -> list[Cut]:
        return spread(every, self.limit)[self.shard - 1 :: self.shards]


def campaign(part: Part) -> tuple[int, int, int]:
    """How many cuts were tried, how many there are, how many had a violation; says a line of it."""
    shared = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="nimwrap-cuts-", dir=shared if shared.is_dir() else None))
    began, broken = time.monotonic(), 0
    try:
        with staged(root, part.name, part.behaviour, part.server) as stage:
            every = cuts_of(count(stage))
            chosen = part.chosen(every)
            for cut in chosen:
                if found := perform(stage, cut):
                    broken += 1
                    print(
                        f"{part.name}, {part.behaviour}, {cut}", *(f"  {line}" for line in found), sep="\n", flush=True
                    )
    finally:
        shutil.rmtree(root, ignore_errors=True)
    took = time.monotonic() - began
    print(f"  {part.name}, {part.behaviour}: {len(chosen)} of {len(every)} cuts in {took:.0f} s, {broken} violated")
    return len(chosen), len(every), broken


def main() -> int:
    parser = argparse.ArgumentParser(description="Cut every round trip of every act, and see that nothing is lost.")
    parser.add_argument("-n", type=int, default=200, help="about how many cuts in all; 0: every one")
    parser.add_argument("--act", action="append", choices=ACTS, help="only these acts")
    parser.add_argument("--behaviour", action="append", choices=BEHAVIOURS, help="only these export behaviours")
    parser.add_argument("--jobs", type=int, default=1, help="how many acts at the same time")
    parser.add_argument("--shard", default="1/1", help="I/N: only the I-th of N equal parts")
    options = parser.parse_args()
    pairs = [(act, how) for how in options.behaviour or BEHAVIOURS for act in options.act or ACTS]
    share = max(1, options.n // len(pairs)) if options.n else 0
    shard, shards = (int(number) for number in options.shard.split("/"))
    began, tried, there, broken = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="estate-") as directory, running(Path(directory)) as server:
        parts = [Part(act, how, share, server, shard, shards) for act, how in pairs]
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("fork")) as pool:
            for done, all_, bad in pool.map(campaign, parts):
                tried, there, broken = tried + done, there + all_, broken + bad
    print(f"{tried} of {there} cuts in {time.monotonic() - began:.0f} s, {broken} with a violation")
    return min(broken, 100)


if __name__ == "__main__":
    sys.exit(main())
