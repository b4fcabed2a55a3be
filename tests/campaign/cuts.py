"""The cut campaign: every round trip of every act lost or not understood, the act again, recover, what holds then.

    python -m tests.campaign.cuts -n 0                     all cuts of all acts in all export behaviours
    python -m tests.campaign.cuts -n 40 --act own-mount    40 of them, spread evenly

The exit status is the number of cuts with a violation, at most 100.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    if name == "recover":
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
    found = [f"an exception left it: {said.decode()[-600:]}"] if b"Traceback" in said else []
    found += (f"after the cut: {line}" for line in _good_ones(stage))
    stage.estate.release_images()
    again = stage.call(*words)
    for process in stage.background:
        process.wait(120)
    recovered = [stage.call("recover", "--json") for _ in range(2)][-1]
    if recovered.returncode != 0:
        found.append(f"recover ended with {recovered.returncode}: {recovered.stdout.decode()}")
    if again.returncode != 0 and words[0] not in ("cancel",):
        found.append(f"again it ended with {again.returncode}: {again.stderr.decode()[-600:]}")
    kept = stage.good
    if stage.cut_act.loses:
        stage.good = {}
    found += violations(stage)
    stage.good = kept
    return found + list(_good_ones(stage))


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


def campaign(name: str, behaviour: str, limit: int, server: str) -> tuple[int, int, int]:
    """How many cuts were tried, how many there are, how many had a violation; ``limit`` 0 tries all."""
    root = Path(tempfile.mkdtemp(prefix="nimwrap-cuts-"))
    try:
        with staged(root, name, behaviour, server) as stage:
            every = cuts_of(count(stage))
            chosen = spread(every, limit)
            broken = 0
            for cut in chosen:
                if found := perform(stage, cut):
                    broken += 1
                    print(f"{name}, {behaviour}, {cut}", *(f"  {line}" for line in found), sep="\n", flush=True)
            return len(chosen), len(every), broken
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Cut every round trip of every act, and see that nothing is lost.")
    parser.add_argument("-n", type=int, default=200, help="about how many cuts in all; 0: every one")
    parser.add_argument("--act", action="append", choices=ACTS, help="only these acts")
    parser.add_argument("--behaviour", action="append", choices=BEHAVIOURS, help="only these export behaviours")
    options = parser.parse_args()
    pairs = [(act, how) for act in options.act or ACTS for how in options.behaviour or BEHAVIOURS]
    share = max(1, options.n // len(pairs)) if options.n else 0
    began, tried, there, broken = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="estate-") as directory, running(Path(directory)) as server:
        for act, how in pairs:
            done, all_, bad = campaign(act, how, share, server)
            print(f"  {act}, {how}: {done} of {all_} cuts, {bad} with a violation", flush=True)
            tried, there, broken = tried + done, there + all_, broken + bad
    print(f"{tried} of {there} cuts in {time.monotonic() - began:.0f} s, {broken} with a violation")
    return min(broken, 100)


if __name__ == "__main__":
    sys.exit(main())
