"""``nimwrap serve``: a loop that does one piece of work a turn, so that it always has time for its manager."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sized
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Protocol

from nimwrap.config.model import Config
from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.scheduling.batch_workers import BatchResult
from nimwrap.scheduling.claims import ClaimResult
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.runtime import Dependencies, ServiceRuntime
from nimwrap.scheduling.timer import SlotTimer

LOOK_EVERY_S = 60.0
"""Between two slots the loop still looks this often: clocks step, and other processes leave rows behind."""
INVENTORY_EVERY_S = 3600
LETTING_GO_S = 10.0
FIRST_ASKING_S = 30.0
"""After a start the first look waits so long for the first inventories."""

_log = logging.getLogger(__name__)


class Manager(Protocol):
    """Who keeps us running: systemd, or nobody (``service.systemd.Notifier``)."""

    watchdog_s: float | None

    def ready(self, status: str) -> None: ...
    def status(self, status: str) -> None: ...
    def watchdog(self) -> None: ...
    def reloading(self) -> None: ...
    def stopping(self, status: str) -> None: ...


@dataclass
class Daemon:
    """``load`` reads configuration and schedules, or raises NimwrapError with their faults. All times in seconds."""

    load: Callable[[], tuple[Config, dict[str, Schedule]]]
    manager: Manager
    drain_s: float
    outside: Dependencies
    tell: Callable[[ClaimResult], None] = lambda look: None
    reload_asked: bool = False
    stop_asked: int | None = None
    left: int = 0
    """Batches that were let go of at the end."""

    def __post_init__(self) -> None:
        # Not an Event: its lock is not reentrant, and a signal that comes while the loop holds it would stop both.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._refresh_asked = False
        self._timer = SlotTimer(self.wake, self._ask_refresh, INVENTORY_EVERY_S)
        self._old: list[ServiceRuntime] = []
        self._stopping_at: float | None = None
        self._next_look: datetime | None = None
        self._last_look: datetime | None = None
        self._next_ping = 0.0
        self._seen: datetime | None = None
        self._status = self._refused = ""

    def wake(self) -> None:
        """There may be work; callable from every thread and from signal handlers."""
        self._wake.put(None)

    def start(self) -> None:
        """Read everything, adopt what an earlier process left, and tell the manager that we are there."""
        config, schedules = self.load()
        self.place = ServiceRuntime.open(config, schedules, self.outside, self.wake)
        self.place.refresh()
        self.place.adopt()
        self._timer.start(schedules)
        self._note("started", _schedules(schedules))
        self._status = self._describe()
        self.manager.ready(self._status)

    def run(self) -> int:
        """Turn until the end; returns the number of batches that were left at work."""
        while self.turn():
            pass
        return self.left

    @property
    def running(self) -> int:
        return sum(len(place.workers.running) for place in (self.place, *self._old))

    def turn(self) -> bool:
        """Do one piece of work, or wait for the next; False when all is done and the process may end."""
        self._ping()
        if self.stop_asked is not None:
            return self._drain()
        if self.reload_asked:
            self.reload_asked = False
            self._reload()
        elif worked := self._next_ended(0):
            self._record(worked)
        elif self._say_what_was_heard():
            pass
        elif self._refresh_asked:
            self._refresh_asked = False
            self.place.refresh()
        elif self._look_is_due():
            self._look()
        else:
            self._wait()
        return True

    def _ask_refresh(self) -> None:
        self._refresh_asked = True
        self.wake()

    def _wait(self) -> None:
        now = self.place.session.clock.now()
        rest = (self._next_look - now).total_seconds() if self._next_look else 1.0
        limit = self.manager.watchdog_s / 3 if self.manager.watchdog_s else LOOK_EVERY_S
        with suppress(Empty):
            self._wake.get(timeout=max(0.01, min(rest, limit)))
            while True:  # however often it rang, once is enough: all there is to do is looked for
                self._wake.get_nowait()

    # --- looking

    def _look_is_due(self) -> bool:
        """True at a slot, every minute, and when the clock was set back or an inventory has come in."""
        now = self.place.session.clock.now()
        if self.place.workers.full or self.place.first_asking(FIRST_ASKING_S):
            return False
        if self.place.refreshed != self._seen:
            self._seen = self.place.refreshed
            return True
        return self._next_look is None or self._last_look is None or now >= self._next_look or now < self._last_look

    def _look(self) -> None:
        now = self.place.session.clock.now()
        self._last_look = now
        self._next_look = now + timedelta(seconds=LOOK_EVERY_S)
        look = self.place.engine.claim_due(self.place.schedules, now)
        self.tell(look)
        for batch in look.batches:
            self.place.workers.start(batch)
        coming = self.place.next_due(now)
        self.place.refresh_ahead(now, coming)
        self.place.verify_when_idle(now, coming)
        self.place.take_up_left(now)
        if coming is not None:
            self._next_look = min(self._next_look, coming)
        self._show()

    # --- what comes back

    def _next_ended(self, timeout_s: float) -> BatchResult | None:
        for place in (self.place, *self._old):
            if worked := place.workers.next_ended(timeout_s if place is self.place else 0):
                return worked
        return None

    def _record(self, worked: BatchResult) -> None:
        counts: dict[str, int] = {}
        for run in worked.runs:
            counts[run.outcome] = counts.get(run.outcome, 0) + 1
        text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nobody backed up"
        _log.info("%s: the slot of %s has ended: %s", worked.batch.schedule.name, rfc3339(worked.batch.slot), text)
        if worked.error is not None:
            _log.error("%s: %s", worked.batch.schedule.name, worked.error.message)
        for run in worked.runs:
            if run.failure is not None and run.outcome not in (Outcome.OK, Outcome.RUNNING):
                _log.warning("%s: %s: %s", run.client, run.outcome, run.failure.message)
        self._show()

    def _say_what_was_heard(self) -> bool:
        """Log one thing that a background thread has to say; close old workplaces that are done with."""
        for place in (self.place, *self._old):
            if place.said:
                _log.warning("%s", place.said.pop(0))
                return True
        for place in [place for place in self._old if place.idle]:
            self._old.remove(place)
            place.close()
        return False

    # --- reload and end

    def _reload(self) -> None:
        """A new workplace from the files as they are now; a faulty configuration is refused and the old one stays."""
        self.manager.reloading()
        try:
            config, schedules = self.load()
            if config.state_dir != self.place.config.state_dir:
                here = f"{self.place.config.state_dir}, not {config.state_dir}"
                raise NimwrapError(f"this daemon works with {here}: another state_dir needs a new start")
            place = ServiceRuntime.open(config, schedules, self.outside, self.wake)
        except NimwrapError as error:
            for problem in error.problems:
                _log.error("%s", problem.message)
            self._note("reload refused", error.message)
            self._refused = f"; configuration refused, the old one stays: {error.message}"
        else:
            self._replace(place)
            self._note("reloaded", _schedules(schedules))
            self._refused = ""
        self._status = self._describe()
        self.manager.ready(self._status)

    def _replace(self, place: ServiceRuntime) -> None:
        before, self.place = self.place, place
        place.refresh()
        self._timer.reschedule(place.schedules)
        self._next_look = None
        self._old.append(before)

    def _drain(self) -> bool:
        """Let what runs come to its end until the deadline; then let go of it. False at the end."""
        clock = self.place.session.clock
        if self._stopping_at is None:
            self._stopping_at = clock.monotonic() + self.drain_s
            self._timer.stop()
            for place in (self.place, *self._old):
                place.session.clock.draining.set()
            self.manager.stopping(f"ending; {self.running} at work")
            _log.info("ending: %d at work, waiting at most %.0f s", self.running, self.drain_s)
        left = self._stopping_at - clock.monotonic()
        if self.running and left > 0:
            if worked := self._next_ended(min(left, 1.0)):
                self._record(worked)
            return True
        self._let_go()
        return False

    def _let_go(self) -> None:
        """Leave what still runs to the masters and to the next process, which adopts it."""
        clock = self.place.session.clock
        before = self.running
        for place in (self.place, *self._old):
            place.leave()
        until = clock.monotonic() + LETTING_GO_S
        while self.running and clock.monotonic() < until:
            if worked := self._next_ended(0.5):
                self._record(worked)
        if before:
            _log.warning("left %d at work: what runs on the masters goes on, the next start adopts it", before)
        self._note("stopped", f"{before} left at work")
        self.left = before

    # --- telling

    def _ping(self) -> None:
        """Tell the watchdog that this very loop turns."""
        interval = self.manager.watchdog_s
        now = self.place.session.clock.monotonic()
        if interval and now >= self._next_ping:
            self.manager.watchdog()
            self._next_ping = now + interval / 3

    def _show(self) -> None:
        status = self._describe()
        if status != self._status:
            self._status = status
            self.manager.status(status)

    def _describe(self) -> str:
        coming = self.place.next_due(self.place.session.clock.now())
        then = f"next slot {rfc3339(coming)}" if coming else "no schedules"
        batches = [batch for place in (self.place, *self._old) for batch in place.workers.running]
        busy = [f"{batch.schedule.name} ({len(batch.starts)})" for batch in batches]
        return (f"at work: {', '.join(busy)}; {then}" if busy else f"idle; {then}") + self._refused

    def _note(self, what: str, text: str) -> None:
        _log.info("%s: %s", what, text)
        try:
            self.place.session.store.event("serve", f"{what}: {text}", at=self.place.session.clock.now())
        except NimwrapError as error:
            _log.warning("not recorded: %s", error.message)


def _schedules(schedules: Sized) -> str:
    return "one schedule" if len(schedules) == 1 else f"{len(schedules)} schedules"
