"""What is believed of a master's knee: how many images at once it carries before each further one slows the others.

A belief is a probability for each possible knee. Every change of the images' pace beside a change of their number
moves it; what a master carries also changes by itself, so a belief fades a little with every moment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from nimwrap.domain.write_rates import Change

KNEES = (1.0, 1.4, 2.0, 2.5, 3.0, 3.5, *map(float, range(4, 15)), 16.0, 18.0, 21.0, 25.0, 32.0, 64.0)
"""What a knee may be. Beyond the last it makes no difference to anything that is ever decided."""
LOSS = 0.35
"""Beyond the knee the total falls as (knee/n) to this power: about the middle of what is published for NFS servers."""
SHARP = 6.0
"""How suddenly the knee comes: clients differ, so that some are slowed before others."""
MOVES = 0.03
"""How probable it is that the knee has moved from one window to the next: others' load begins or ends."""
ANYWHERE = 0.25
"""Of these moves, the share that may lead anywhere; the others go to a knee nearby."""
UNEXPLAINED = 0.03
DOUBT = 2.5
"""By so much more is a comparison with an older stretch uncertain: the knee may have moved in between."""
DENIED = 0.05
"""How probable trouble in a crowd is where the knee was not exceeded, beside where it was."""
NEGLIGIBLE = 1e-7
STRAY = 1e-3
"""What any comparison with an older stretch leaves to chance."""
"""What every measured change is uncertain by, however many images were measured."""


def pace(writers: float, knee: float) -> float:
    """How fast an image is beside its own pace, as a log, when ``writers`` write at once."""
    return -(1 + LOSS) / SHARP * math.log1p((writers / knee) ** SHARP)


@lru_cache(maxsize=4096)
def _paces(writers: float) -> tuple[float, ...]:
    return tuple(pace(writers, knee) for knee in KNEES)


@lru_cache(maxsize=256)
def gains(writers: int) -> tuple[float, ...]:
    """The total with ``writers`` at once as a share of the most that each knee allows."""
    return tuple(_total(writers, knee) / best for knee, best in zip(KNEES, _best(), strict=True))


def _total(writers: float, knee: float) -> float:
    return writers * math.exp(pace(writers, knee))


@lru_cache(maxsize=1)
def _best() -> tuple[float, ...]:
    return tuple(max(_total(n, knee) for n in range(1, 129)) for knee in KNEES)


@lru_cache(maxsize=1)
def _moves() -> tuple[tuple[float, ...], ...]:
    """The probability of going from each knee to each other between two windows."""
    return tuple(_moves_from(here) for here in range(len(KNEES)))


def _moves_from(here: int) -> tuple[float, ...]:
    near = [0.5 ** abs(here - there) if here != there else 0.0 for there in range(len(KNEES))]
    moved = [MOVES * ((1 - ANYWHERE) * each / sum(near) + ANYWHERE / len(KNEES)) for each in near]
    return tuple(share + (1 - MOVES if there == here else 0.0) for there, share in enumerate(moved))


@dataclass(frozen=True)
class Knee:
    """A belief: the probability of each of ``KNEES``."""

    chances: tuple[float, ...]

    def after(self, change: Change) -> Knee:
        """The belief once this change was seen."""
        was, now = _paces(round(change.before, 2)), _paces(round(change.after, 2))
        steep = -0.5 / (change.error**2 + UNEXPLAINED**2)
        fresh = [0.0] * len(KNEES)
        for chance, own, moves in zip(self.chances, was, _moves(), strict=True):
            if chance < NEGLIGIBLE:
                continue
            expected = change.pace + own
            for there, move in enumerate(moves):
                fresh[there] += chance * move * math.exp(steep * (expected - now[there]) ** 2)
        return _of(fresh) or self

    def beside(self, contrast: Change) -> Knee:
        """The belief once a stretch was compared with an earlier one of the same knee."""
        was, now = _paces(round(contrast.before, 2)), _paces(round(contrast.after, 2))
        steep = -0.5 / (contrast.error**2 + UNEXPLAINED**2) / DOUBT**2
        weights = [
            chance * (math.exp(steep * (contrast.pace - after + before) ** 2) + STRAY)
            for chance, before, after in zip(self.chances, was, now, strict=True)
        ]
        return _of(weights) or self

    def crowded(self, writers: float) -> Knee:
        """The belief once images stalled, timed out or met NFS errors with so many at once: there were too many."""
        weights = [1.0 if knee < writers else DENIED for knee in KNEES]
        return _of([chance * weight for chance, weight in zip(self.chances, weights, strict=True)]) or self

    def blended(self, other: Knee, share: float) -> Knee:
        """This belief with a share of another."""
        pairs = zip(self.chances, other.chances, strict=True)
        return Knee(tuple((1 - share) * mine + share * theirs for mine, theirs in pairs))

    def worth(self, writers: int) -> float:
        """The share of the master's best total that is to be expected with so many at once."""
        return math.fsum(chance * gain for chance, gain in zip(self.chances, gains(writers), strict=True))

    @property
    def middle(self) -> float:
        """The knee that is as probably exceeded as not."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """The smallest knee that the true one exceeds with no more than ``1 - share``."""
        total = 0.0
        for chance, knee in zip(self.chances, KNEES, strict=True):
            total += chance
            if total >= share:
                return knee
        return KNEES[-1]


def _of(weights: Sequence[float]) -> Knee | None:
    total = math.fsum(weights)
    return Knee(tuple(weight / total for weight in weights)) if total > 1e-300 else None


@lru_cache(maxsize=1)
def unknown() -> Knee:
    """What is believed of a master that nobody has measured: one of any size as probably as one twice as large."""
    edges = [KNEES[0] / 1.4, *(math.sqrt(low * high) for low, high in pairwise(KNEES)), KNEES[-1] * 1.5]
    widths = [math.log(high / low) for low, high in pairwise(edges)]
    return Knee(tuple(width / math.fsum(widths) for width in widths))
