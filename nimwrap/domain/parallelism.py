"""How many images a master makes at once: decided from what they really write, and said in one sentence.

:func:`observe` takes one poll and returns the controller as it is after it; nothing else changes it. The number wanted
is that from which the most is to be expected by what is believed of the master's knee. It grows only while all that
were let in write already, by half at most, and never further than the belief is sure of; it is taken back at once. An
image that runs is never ended for it: fewer means that nothing new begins until as many have ended by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nimwrap.domain.knee import Knee, unknown
from nimwrap.domain.write_rates import Change, RateHistory, Sample, add_sample

FLOOR = 1
START = 4
"""So many begin on a master that nobody has measured: what ``max_parallel`` is where nothing is written."""
GROWTH = 1.5
REGROWTH = 1.25
"""The same once something was taken back: by then more is known than that nobody knows anything."""
SURE = 0.3
REACH = 1.2
"""The number grows by more than one only up to this many times the knee that the true one exceeds with 1 - ``SURE``."""
PATIENT_S = 300.0
"""Beyond what is sure, one more is tried after so long without a change upwards."""
ENOUGH = 0.01
"""Of several numbers that promise the same but for this share, the smallest is taken."""
CAREFUL_S = 900.0
"""So long nothing is added after images stalled, timed out or met NFS errors while others were being made."""
STEADY_S = 600.0
LASTING = 200.0
AVERAGE_S = 900.0
MOST_QUIET = 1.25
"""At most so many are made for each that writes: an image is quiet at first, while its client lists its files."""


@dataclass(frozen=True)
class Observation:
    """One poll of a master. ``sizes``: the bytes of every image being made there, by whomever, 0 before its first.

    ``proving``: images that are written and being proven; ``troubles``: images that stalled, timed out or met an NFS
    error since the last poll; ``allowed``: how many the space check lets be made at once, None for no such limit.
    """

    at: float
    sizes: Mapping[str, int]
    proving: int = 0
    troubles: int = 0
    allowed: int | None = None


@dataclass(frozen=True)
class Controller:
    """What is known of a master now. ``cap``: how many may be in flight there, those being proven included.

    ``wanted``: how many are to write at once. ``reason``: why that changed with the last observation, else empty.
    ``ramp``: nothing was taken back yet.
    """

    limit: int
    knee: Knee
    wanted: int
    cap: int
    reason: str = ""
    rates: RateHistory = field(default_factory=RateHistory)
    seen_at: float | None = None
    raised_at: float | None = None
    troubled_at: float | None = None
    making_s: float = 0.0
    writing_s: float = 0.0
    quiet: float = 1.0
    ramp: bool = True

    @property
    def steady(self) -> bool:
        """True when the number has stood long enough for what is measured to be its own doing."""
        return (self.seen_at or 0.0) - (self.raised_at or 0.0) > STEADY_S


@dataclass(frozen=True)
class Remembered:
    """What is kept of a master for one hour of a weekday: the belief and how many were made for each that wrote, on
    average over so many ``windows``."""

    knee: Knee
    quiet: float
    windows: float

    def fresher(self, state: Controller) -> Remembered:
        """With one more window. Of old nights no more than ``LASTING`` windows count, so that newer ones do."""
        weight = min(self.windows, LASTING)
        knee = self.knee.blended(state.knee, 1 / (weight + 1))
        quiet = self.quiet + (state.quiet - self.quiet) / (weight + 1)
        return Remembered(knee, quiet, weight + 1)


def remembered(before: Remembered | None, state: Controller) -> Remembered | None:
    """What is remembered of this hour once ``state`` was seen; the same as before while nothing is to be learned."""
    if state.rates.change is None or not state.steady:
        return before
    return before.fresher(state) if before else Remembered(state.knee, state.quiet, 1.0)


def begin(limit: int, memory: Remembered | None = None) -> Controller:
    """A controller for a night that begins; ``memory``: of this master and hour, None where there is none."""
    if memory is None:
        start = min(limit, START)
        why = f"begins with {start}: nobody has measured this master yet"
        return Controller(limit, unknown(), start, start, why)
    start = most_from(memory.knee, limit)
    cap = max(FLOOR, min(limit, round(start * memory.quiet)))
    why = f"begins with {cap}: as remembered of this hour, the knee is at about {round(memory.knee.middle)}"
    return Controller(limit, memory.knee, start, cap, why, quiet=memory.quiet, ramp=False)


def most_from(knee: Knee, limit: int) -> int:
    """The number of writers that promises the most; the smallest of those that promise about as much."""
    worth = [knee.worth(writers) for writers in range(FLOOR, limit + 1)]
    enough = max(worth) - ENOUGH
    return next(writers for writers, each in enumerate(worth, FLOOR) if each >= enough)


def observe(state: Controller, seen: Observation) -> Controller:
    """The controller after one more poll."""
    rates = add_sample(state.rates, Sample(seen.at, seen.sizes))
    state = _counted(replace(state, rates=rates, reason=""), seen)
    writers = rates.stretch.last.writers if rates.stretch else 0
    if seen.troubles and writers + seen.troubles > 1:
        state = _taken_back(state, seen, writers + seen.troubles)
    if rates.change is not None:
        state = _judged(state, rates.change, seen.at)
    limit = max(FLOOR, min(state.limit, state.limit if seen.allowed is None else seen.allowed))
    state = replace(state, quiet=_made_for_each_writer(state))
    cap = round(min(state.wanted, limit) * state.quiet) + seen.proving
    return replace(state, cap=max(FLOOR, min(limit, cap)))


def _counted(state: Controller, seen: Observation) -> Controller:
    """With the time that images were being made and that they wrote, of late."""
    length = seen.at - state.seen_at if state.seen_at is not None else 0.0
    fade = math.exp(-length / AVERAGE_S)
    writers = sum(size > 0 for size in seen.sizes.values())
    return replace(
        state,
        seen_at=seen.at,
        raised_at=seen.at if state.raised_at is None else state.raised_at,
        making_s=state.making_s * fade + len(seen.sizes) * length,
        writing_s=state.writing_s * fade + writers * length,
    )


def _made_for_each_writer(state: Controller) -> float:
    """How many must be in the making so that one writes; what it was until the number has stood long enough to tell."""
    if not state.steady or state.writing_s <= 0:
        return state.quiet
    return min(MOST_QUIET, max(1.0, state.making_s / state.writing_s))


def _taken_back(state: Controller, seen: Observation, crowd: int) -> Controller:
    knee = state.knee.crowded(crowd)
    wanted = max(FLOOR, min(state.wanted - 1, crowd - 1, most_from(knee, state.limit)))
    what = "an image" if seen.troubles == 1 else f"{seen.troubles} images"
    reason = f"{wanted} instead of {state.wanted}: {what} stalled or timed out while {crowd} were being made"
    if wanted == state.wanted:
        reason = ""
    return replace(state, knee=knee, wanted=wanted, reason=reason, troubled_at=seen.at)


def _judged(state: Controller, change: Change, at: float) -> Controller:
    """The number wanted by what the last stretch showed."""
    knee = state.knee.after(change)
    if state.rates.contrast is not None:
        knee = knee.beside(state.rates.contrast)
    state = replace(state, knee=knee)
    best = most_from(knee, state.limit)
    if best < state.wanted:
        reason = f"{best} instead of {state.wanted}: {_slower(change, state)}"
        return replace(state, wanted=best, reason=state.reason or reason, ramp=False)
    careful = state.troubled_at is not None and at - state.troubled_at < CAREFUL_S
    if best <= state.wanted or careful or abs(change.after - state.wanted) > 0.75:
        return state
    growth = GROWTH if state.ramp else REGROWTH
    sure = math.floor(min(state.wanted * growth, knee.quantile(SURE) * REACH))
    if sure <= state.wanted and at - (state.raised_at or 0.0) > PATIENT_S:
        sure = state.wanted + 1
    if sure <= state.wanted:
        return state
    wanted = min(best, sure)
    reason = (
        f"{wanted} instead of {state.wanted}: {_images(round(change.after))} did not slow one another{_total(state)}"
    )
    return replace(state, wanted=wanted, raised_at=at, reason=reason)


def _slower(change: Change, state: Controller) -> str:
    lost = 1 - math.exp(min(0.0, change.pace))
    if lost >= 0.05:
        return f"each image wrote {lost:.0%} slower with {_images(round(change.after))} at once{_total(state)}"
    return f"more than about {round(state.knee.middle)} at once write no more together{_total(state)}"


def _images(number: int) -> str:
    return "1 image" if number == 1 else f"{number} images"


def _total(state: Controller) -> str:
    window = state.rates.window
    return f" ({window.total / 1e6:.0f} MB/s in all)" if window is not None else ""
