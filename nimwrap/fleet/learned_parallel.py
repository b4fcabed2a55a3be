"""``max_parallel = "auto"`` on one master: what polls show goes to the controller, what it learns to the history."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.knee import unknown
from nimwrap.domain.parallelism import Controller, Observation, Remembered, begin, observe, remembered
from nimwrap.history.sqlite.parallel_memory import Hour, WriteRate, hours_of, remember
from nimwrap.master_context import FixedParallel

if TYPE_CHECKING:
    from nimwrap.config.model import MasterConfig
    from nimwrap.history.sqlite.connection import ReadOnly
    from nimwrap.history.sqlite.store import Store

IDLE_S = 1800.0
"""A master that nothing was made on for so long begins anew, from what is remembered of the hour."""
KEEP_S = 300.0
"""So often what was learned goes to the history; so long is the stretch that one row of rates tells of."""
OTHER_HOUR = 0.2
"""How much of what is known of one hour is left open when it is used for another."""


def memory_for(hours: Iterable[Hour], at: datetime) -> Remembered | None:
    """What is remembered of this weekday and hour; else of the hour on another day, else of the master at all."""
    known = list(hours)
    weekday, hour = at.weekday(), at.hour
    exact = next((one for one in known if (one.weekday, one.hour) == (weekday, hour)), None)
    if exact is not None:
        return exact.memory
    other = next((one for one in known if one.hour == hour), known[0] if known else None)
    if other is None:
        return None
    return replace(other.memory, knee=other.memory.knee.blended(unknown(), OTHER_HOUR), windows=1.0)


class LearnedParallel(FixedParallel):
    """How many at once on one master, shared by all fleets of this process. Its methods may be called by any thread.

    ``told`` hears each change and its reason.
    """

    def __init__(
        self, master: MasterConfig, store: Store, reader: ReadOnly, clock: Clock, told: Callable[[str], None]
    ) -> None:
        self.name, self.limit = master.name, master.most_parallel
        self.store, self.reader, self.clock, self.told = store, reader, clock, told
        self._lock = threading.Lock()
        self._state: Controller | None = None
        self._seen_at = 0.0
        self._allowed: int | None = None
        self._proving: set[str] = set()
        self._troubles = 0
        self._hours: dict[tuple[int, int], Hour] = {}
        self._touched: set[tuple[int, int]] = set()
        self._rates = _Rates(clock.monotonic())

    def at_once(self, master: MasterConfig) -> int:
        """How many may hold a slot now, over all nimwraps."""
        with self._lock:
            return max(1, self._begun().cap - len(self._proving))

    def jobs(self) -> int:
        """How many clients this process may work on at once, those being proven included."""
        with self._lock:
            return self._begun().cap

    def allow(self, number: int | None) -> None:
        """Never more than so many from now on, because the file systems have room for no more."""
        with self._lock:
            self._allowed = number

    def written(self, run: str) -> None:
        with self._lock:
            self._proving.add(run)

    def closed(self, run: str) -> None:
        with self._lock:
            self._proving.discard(run)

    def trouble(self) -> None:
        with self._lock:
            self._troubles += 1

    def saw(self, making: Mapping[str, int]) -> None:
        with self._lock:
            before = self._begun()
            now = self.clock.monotonic()
            seen = Observation(now, making, len(self._proving), self._troubles, self._allowed)
            self._state, self._troubles, self._seen_at = observe(before, seen), 0, now
            state, reason = self._state, self._state.reason
            self._learn(state)
            kept = self._due(now)
        if reason:
            self._note(reason, state)
        if kept is not None:
            self._keep(*kept)

    def keep(self) -> None:
        """Write down now what was learned since the last time: a fleet run has ended."""
        with self._lock:
            kept = self._due(self.clock.monotonic(), early=True)
        if kept is not None:
            self._keep(*kept)

    def _begun(self) -> Controller:
        """The controller of this night; a new one after a long rest."""
        now = self.clock.monotonic()
        if self._state is None or now - self._seen_at > IDLE_S:
            try:
                found = hours_of(self.reader, self.name)
            except NimwrapError:
                found = []  # without a memory the night begins as the first one did
            self._hours = {(one.weekday, one.hour): one for one in found}
            self._state, self._seen_at = begin(self.limit, memory_for(found, self.clock.now())), now
            self._rates = _Rates(now)
            self._note(self._state.reason, self._state)
        return self._state

    def _learn(self, state: Controller) -> None:
        at = self.clock.now()
        place = (at.weekday(), at.hour)
        window = state.rates.window
        if window is None or state.seen_at != window.ended:
            return
        self._rates.add(state)
        before = self._hours.get(place)
        memory = remembered(before.memory if before else None, state)
        if memory is None or (before is not None and memory is before.memory):
            return
        known = before.rate_bytes_s if before else window.total
        rate = known + (window.total - known) / memory.windows
        self._hours[place] = Hour(*place, memory, rate)
        self._touched.add(place)

    def _due(self, now: float, *, early: bool = False) -> tuple[list[Hour], list[WriteRate]] | None:
        """What is to be kept now, taken out; None while it is too early."""
        if not early and now - self._rates.began < KEEP_S:
            return None
        rate = self._rates.row(self.clock.now() - timedelta(seconds=now - self._rates.began), now)
        hours = [self._hours[place] for place in sorted(self._touched)]
        self._touched.clear()
        self._rates = _Rates(now)
        return hours, [rate] if rate is not None else []

    def _keep(self, hours: list[Hour], rates: list[WriteRate]) -> None:
        try:
            remember(self.store, self.name, hours, rates, self.clock.now())
        except NimwrapError as error:
            self.told(f"what {self.name} writes is not recorded: {error.message}")

    def _note(self, reason: str, state: Controller) -> None:
        data = {"wanted": state.wanted, "cap": state.cap, "knee": state.knee.middle}
        try:
            self.store.event("parallel", reason, master=self.name, data=data, at=self.clock.now())
        except NimwrapError as error:
            reason = f"{reason} (not recorded: {error.message})"
        self.told(reason)


class _Rates:
    """Windows that become one row."""

    def __init__(self, began: float) -> None:
        self.began = began
        self._count = 0
        self._writers = 0.0
        self._total = 0.0
        self._state: Controller | None = None

    def add(self, state: Controller) -> None:
        window = state.rates.window
        if window is not None:
            self._count, self._state = self._count + 1, state
            self._writers += window.writers
            self._total += window.total

    def row(self, at: datetime, now: float) -> WriteRate | None:
        """The row of the stretch that ends now; None when nothing was seen in it."""
        state = self._state
        if state is None:
            return None
        worth = state.knee.worth(state.wanted)
        return WriteRate(
            at,
            now - self.began,
            self._writers / self._count,
            self._total / self._count,
            state.cap,
            state.wanted,
            state.knee.middle,
            state.knee.worth(state.wanted + 1) / worth,
            state.knee.worth(max(1, state.wanted - 1)) / worth,
        )
