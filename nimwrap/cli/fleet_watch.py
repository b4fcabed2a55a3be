"""How a person watches a fleet run, and leaves it: progress on stderr, and the signals that end the watching."""

from __future__ import annotations

import _thread
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nimwrap.cli.output.progress_lines import shown_progress

if TYPE_CHECKING:
    from nimwrap.cli.invocation import Invocation
    from nimwrap.domain.clock import Clock
    from nimwrap.fleet.fleet_observer import FleetObserver
    from nimwrap.fleet.fleet_run import Order


@dataclass
class FleetWatch:
    """``left_by``: the signal that made us leave, if one did."""

    invocation: Invocation
    left_by: int | None = None

    @contextmanager
    def __call__(self, clock: Clock, order: Order) -> Iterator[FleetObserver]:
        with self.leaving(clock), shown_progress(self.invocation, len(order.refs)) as observer:
            yield observer

    @contextmanager
    def leaving(self, clock: Clock) -> Iterator[None]:
        """SIGINT and SIGTERM make us leave; what runs on the masters goes on."""

        def leave(number: int, _frame: object) -> None:
            self.left_by = number
            # Not here: the main thread may hold the lock inside the event just now, and would wait for itself.
            _thread.start_new_thread(clock.stop.set, ())

        before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
