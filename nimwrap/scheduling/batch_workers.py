"""Our own workers: one thread a batch, each running a whole fleet; bounded, and never waited for at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import Run
from nimwrap.fleet.fleet_run import Order
from nimwrap.fleet.session import Session
from nimwrap.scheduling.claims import Batch

MAX_BATCHES = 16
"""So many slots at once; further ones stay in the history until one of these has ended."""

RunFleet = Callable[[Session, Order], list[Run]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchResult:
    """A batch that has ended. ``error`` is set when the fleet run itself could not go on."""

    batch: Batch
    order: Order
    runs: list[Run]
    error: NimwrapError | None = None


@dataclass
class BatchWorkers:
    """Batches at work; ``on_end`` is called in the thread of each that has ended.

    The threads are daemons: what they follow lives on the masters and is adopted later.
    """

    session: Session
    fleet: RunFleet
    on_end: Callable[[], object] = lambda: None
    running: list[Batch] = field(default_factory=list)
    _ended: SimpleQueue[BatchResult] = field(default_factory=SimpleQueue)

    @property
    def full(self) -> bool:
        return len(self.running) >= MAX_BATCHES

    def start(self, batch: Batch) -> None:
        """Begin a batch in a thread of its own."""
        self.running.append(batch)
        name = f"{batch.schedule.name} {batch.slot:%m-%dT%H:%M}"
        threading.Thread(target=self._work, args=(batch,), name=name, daemon=True).start()

    def next_ended(self, timeout_s: float) -> BatchResult | None:
        """The next batch that has ended, or None after ``timeout_s`` seconds without one."""
        try:
            worked = self._ended.get(timeout=timeout_s) if timeout_s > 0 else self._ended.get_nowait()
        except Empty:
            return None
        self.running.remove(worked.batch)
        return worked

    def _work(self, batch: Batch) -> None:
        order = order_of(batch)
        runs: list[Run] = []
        error: NimwrapError | None = None
        try:
            runs = self.fleet(self.session, order)
        except NimwrapError as raised:
            error = raised
        except Exception as raised:  # a thread that dies in silence would be a slot that nobody hears of again
            _log.exception("the run of %s ended by a bug", batch.schedule.name)
            error = NimwrapError(f"this is a bug in nimwrap: {type(raised).__name__}: {raised}")
        if not self.session.clock.leaving:  # else they stay claimed, and the next process takes them again
            error = self._account(batch, error)
        self._ended.put(BatchResult(batch, order, runs, error))
        self.on_end()

    def _account(self, batch: Batch, error: NimwrapError | None) -> NimwrapError | None:
        """Clients that the fleet left without a run become failed rows, so that nobody is passed over in silence."""
        reason = error.message if error else "the fleet run ended without a run for this client"
        try:
            self.session.slots.end(batch.schedule.name, batch.slot, batch.starts, "failed", reason)
        except NimwrapError as unavailable:
            return error or unavailable
        return error


def order_of(batch: Batch) -> Order:
    """The fleet order of a batch: everyone at its own start, nobody after the window."""
    return Order(
        tuple(batch.starts),
        schedule=batch.schedule.name,
        slot=batch.slot,
        window_ends=batch.window_ends,
        not_before=batch.starts,
    )
