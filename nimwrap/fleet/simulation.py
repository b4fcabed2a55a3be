"""A night in virtual time, by the queue itself: what a dry run shows, and when a fleet that runs will be done."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from nimwrap.fleet.queue import Queue, QueuedJob, What

NOBODY_KNOWS_S = 1800.0
"""For a client without any history where no other has one either: half an hour (aix-nim section 8)."""
MOST_UNKNOWN = 0.2
"""With a larger share of clients that nobody has timed yet, an expected end would be a guess."""
OVERRUN = 0.1
"""One that takes longer than ever before is taken to need this share of its usual time more."""


@dataclass(frozen=True)
class Simulated(Generic[What]):
    """One job as it would be run, in seconds on the queue's clock. ``known``: it is not just given a typical time."""

    job: QueuedJob[What]
    starts: float
    ends: float
    known: bool


def simulate(
    queue: Queue[What], now: float, running: Mapping[QueuedJob[What], float] | None = None
) -> Iterator[Simulated[What]]:
    """Work the queue off, from ``now`` on, each job as it starts. ``running`` says when those at work will end.

    Nothing fails, and what nobody has timed takes as long as the others do on average. The queue is empty after it.
    """
    typical, ends = _typical(queue.waiting), dict(running or {})
    while not queue.empty:
        while (job := queue.start_next(now)) is not None:
            known = math.isfinite(job.predicted_s)
            ends[job] = now + (job.predicted_s if known else typical)
            yield Simulated(job, now, ends[job], known)
        ready = queue.next_ready(now)
        first = min(ends, key=lambda one: ends[one], default=None)
        if first is None or (ready is not None and now + ready < ends[first]):
            now += ready or 0.0
            continue
        now = max(now, ends.pop(first))
        queue.finished(first)


def expected_end(queue: Queue[What], now: float) -> float | None:
    """When the last of a queue at work will be done, on its clock; None when too few of its clients were ever timed.

    The queue itself stays as it is. Estimates rest on measured durations alone, not on sizes.
    """
    waiting, running = list(queue.waiting), list(queue.running)
    untimed = sum(not job.timed for job in [*waiting, *running])
    if (not waiting and not running) or untimed > MOST_UNKNOWN * (len(waiting) + len(running)):
        return None
    typical = _typical([*waiting, *running])
    copies = {replace(job): job for job in running}
    ends = {copy: now + _left(job, now, typical) for copy, job in copies.items()}
    copied = Queue(queue.caps, [replace(job) for job in waiting], list(copies), queue.limits)
    last = max([*ends.values(), now])
    return max([last, *(played.ends for played in simulate(copied, now, ends))])


def _left(job: QueuedJob[What], now: float, typical: float) -> float:
    usual = job.predicted_s if math.isfinite(job.predicted_s) else typical
    return max(usual - (now - job.started_at), OVERRUN * usual)


def _typical(jobs: Sequence[QueuedJob[What]]) -> float:
    known = [job.predicted_s for job in jobs if math.isfinite(job.predicted_s)]
    return sum(known) / len(known) if known else NOBODY_KNOWS_S
