"""How fast the images of one master grow, and how their pace changes when there are more or fewer of them.

Everything comes from what a poll shows: the size of each image that is being made. Whose link is slow, whose files
compress well or whose image is large does not matter: an image is only ever compared with itself, a moment before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

WINDOW_S = 40.0
"""Growth is compared over stretches of this length: long enough for several polls, short beside an image."""
GAP_S = 120.0
KEPT = 9
"""So many windows are kept to compare with."""
SPREAD = 0.25
"""How much an image's pace changes by itself from one stretch to the next, as a log: many small files, then large."""
_FEW = 2.0
"""``SPREAD`` weighs as much as so many images, since the spread of one or two says little."""
_MOST = 1.5
"""An image that stops or starts up changes by more than any crowd makes it; it counts for no more than this."""


@dataclass(frozen=True)
class Sample:
    """One poll: when (seconds on any steady clock) and the bytes of every image being made, 0 before its first."""

    at: float
    sizes: Mapping[str, int]

    @property
    def writers(self) -> int:
        """How many have begun to write."""
        return sum(size > 0 for size in self.sizes.values())


@dataclass(frozen=True)
class Window:
    """The growth over one stretch. ``writers``: how many wrote, on average; ``rates``: those that wrote throughout.

    ``total``: bytes a second of all, those that began or ended in it included as far as they were seen.
    """

    ended: float
    writers: float
    rates: Mapping[str, float]
    total: float


@dataclass(frozen=True)
class Change:
    """From one stretch to a later one: the pace of those in both, as a log with its standard error; how many wrote."""

    before: float
    after: float
    pace: float
    error: float


@dataclass(frozen=True)
class Stretch:
    """A window being filled: its first and newest sample, and the writer-seconds and bytes between them."""

    first: Sample
    last: Sample
    writer_s: float = 0.0
    grown: float = 0.0

    def seen(self, sample: Sample) -> Stretch:
        """With one more sample."""
        length = sample.at - self.last.at
        writers = (self.last.writers + sample.writers) / 2
        grown = sum(max(0, size - self.last.sizes.get(name, 0)) for name, size in sample.sizes.items())
        return replace(self, last=sample, writer_s=self.writer_s + writers * length, grown=self.grown + grown)

    @property
    def whole(self) -> bool:
        return self.last.at - self.first.at >= WINDOW_S

    def window(self) -> Window:
        """What it shows; it must have a length."""
        length = self.last.at - self.first.at
        rates = {
            name: max(0, size - self.first.sizes[name]) / length
            for name, size in self.last.sizes.items()
            if self.first.sizes.get(name, 0) > 0
        }
        return Window(self.last.at, self.writer_s / length, rates, self.grown / length)


@dataclass(frozen=True)
class RateHistory:
    """What is kept of the samples: the stretch being filled, and the windows before it, the newest last.

    With the sample that ended a stretch, ``change`` compares it with the one before, and ``contrast`` with that of the
    older ones in which the number of writers differed most; at all others they are None.
    """

    stretch: Stretch | None = None
    windows: tuple[Window, ...] = ()
    change: Change | None = None
    contrast: Change | None = None

    @property
    def window(self) -> Window | None:
        """The newest whole one."""
        return self.windows[-1] if self.windows else None


def add_sample(history: RateHistory, sample: Sample) -> RateHistory:
    """The history with one more sample. One that comes long after the last begins anew: nobody saw what was between."""
    stretch = history.stretch
    if stretch is None or not 0 <= sample.at - stretch.last.at <= GAP_S:
        return RateHistory(Stretch(sample, sample))
    stretch = stretch.seen(sample)
    if not stretch.whole:
        return RateHistory(stretch, history.windows)
    window = stretch.window()
    change = _compare(history.window, window) if history.window else None
    older = max(history.windows[:-1], key=lambda one: _apart(one, window), default=None)
    contrast = _compare(older, window) if older else None
    return RateHistory(Stretch(sample, sample), (*history.windows[1 - KEPT :], window), change, contrast)


def _apart(one: Window, other: Window) -> float:
    return abs(math.log(max(one.writers, 0.1) / max(other.writers, 0.1)))


def _compare(before: Window, after: Window) -> Change | None:
    """How those in both windows changed their pace; None when nobody is in both."""
    names = before.rates.keys() & after.rates.keys()
    was = sum(before.rates[name] for name in names)
    if was <= 0:
        return None
    pace = _changed(was, sum(after.rates[name] for name in names))
    spread, weight, shares = _FEW * SPREAD**2, _FEW, 0.0
    for name in names:
        share = before.rates[name] / was
        spread += share * len(names) * (_changed(before.rates[name], after.rates[name]) - pace) ** 2
        weight += share * len(names)
        shares += share**2
    return Change(before.writers, after.writers, pace, math.sqrt(spread / weight * shares))


def _changed(was: float, now: float) -> float:
    return max(-_MOST, min(_MOST, math.log(max(now, 1.0) / max(was, 1.0))))
