"""The queue of a fleet run as a pure machine: who may start now, given caps, clusters and waits.

It keeps no time of its own: ``now`` (seconds on any steady clock) is passed in, so a night of a thousand clients can
be played in a moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nimwrap.domain.ordering import UNKNOWN

What = TypeVar("What")


@dataclass(eq=False)
class QueuedJob(Generic[What]):
    """One client's work. ``chain``: jobs of one chain (a cluster) never run at once; ``ready_at``: not before.

    ``timed``: its duration was measured before, and is not derived from a size. ``first``: before all others, however
    long they take. ``limits``: the names of those that it counts against. ``started_at`` is set by the queue.
    """

    what: What
    master: str
    predicted_s: float = UNKNOWN
    chain: str | None = None
    ready_at: float = 0.0
    retried: bool = False
    timed: bool = False
    first: bool = False
    limits: tuple[str, ...] = ()
    started_at: float = 0.0


@dataclass
class Queue(Generic[What]):
    """Jobs not yet begun and those running. ``caps``: how many at once, by master; what it says may change.

    ``limits``: how many at once, by the name of a limit, over all masters.
    """

    caps: Mapping[str, int]
    waiting: list[QueuedJob[What]] = field(default_factory=list)
    running: list[QueuedJob[What]] = field(default_factory=list)
    limits: Mapping[str, int] = field(default_factory=dict)

    def add(self, jobs: Iterable[QueuedJob[What]]) -> None:
        self.waiting.extend(jobs)

    def start_next(self, now: float) -> QueuedJob[What] | None:
        """The job to start now, moved to the running ones; None when nothing may start."""
        used: dict[str, int] = {}
        for job in self.running:
            used[job.master] = used.get(job.master, 0) + 1
        if all(used.get(master, 0) >= cap for master, cap in self.caps.items()):
            return None
        chains = {job.chain for job in self.running if job.chain}
        counted = Counter(name for job in self.running for name in job.limits)
        used_up = {name for name, most in self.limits.items() if counted[name] >= most}
        free = [
            job
            for job in self.waiting
            if job.ready_at <= now
            and used.get(job.master, 0) < self.caps[job.master]
            and job.chain not in chains
            and used_up.isdisjoint(job.limits)
        ]
        if not free:
            return None
        rest = self._chain_lengths()
        # A failed one goes to the end: it must not hold up clients that have not had their first try. A chain weighs
        # as much as all that is left of it, because its members can only follow one another.
        job = min(
            free, key=lambda job: (job.retried, not job.first, -rest.get(job.chain or "", 0.0) or -job.predicted_s)
        )
        self.waiting.remove(job)
        self.running.append(job)
        job.started_at = now
        return job

    def finished(self, job: QueuedJob[What]) -> None:
        """The job is done with."""
        self.running.remove(job)

    def withdraw(self, job: QueuedJob[What]) -> None:
        """A waiting job is not to be started any more."""
        self.waiting.remove(job)

    def later(self, job: QueuedJob[What], ready_at: float) -> None:
        """The job goes to the end of the queue and holds nothing while it waits."""
        self.running.remove(job)
        job.ready_at, job.retried = ready_at, True
        self.waiting.append(job)

    def next_ready(self, now: float) -> float | None:
        """Seconds until a waiting job becomes ready; None when none waits for time alone."""
        times = [job.ready_at - now for job in self.waiting if job.ready_at > now]
        return min(times) if times else None

    @property
    def empty(self) -> bool:
        return not self.waiting and not self.running

    def _chain_lengths(self) -> dict[str, float]:
        lengths: dict[str, float] = {}
        for job in self.waiting:
            if job.chain:
                lengths[job.chain] = lengths.get(job.chain, 0.0) + job.predicted_s
        return lengths
