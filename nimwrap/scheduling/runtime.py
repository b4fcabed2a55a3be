"""One configuration at work in the daemon: its schedules, its hosts, its batches. A reload opens a new one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from nimwrap.clients.blackouts import blackout_of
from nimwrap.config.model import Config
from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.session import Session, open_session, refresh_inventories
from nimwrap.history.run_lease import owner_alive
from nimwrap.scheduling.batch_workers import BatchWorkers, RunFleet
from nimwrap.scheduling.claims import SlotClaimer
from nimwrap.scheduling.drills_due import verify_and_drill
from nimwrap.scheduling.due_run import meant
from nimwrap.scheduling.forecast import foretell, waiting_for_latest
from nimwrap.scheduling.full_verification import EVERY
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.nightly_kit import keep_kits
from nimwrap.scheduling.resume_orphans import Recover, adopt, recover_master

AHEAD_S = 180
"""An inventory is taken so long before a slot, so that the slot itself waits for no master."""
FRESH_S = 900
TAKE_UP_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Dependencies:
    """What the daemon does to the world. ``overdue``: tell what is new while no fleet runs; the warnings."""

    fleet: RunFleet
    recover: Recover = recover_master
    refresh: Callable[[Session], dict[str, NimwrapError]] = refresh_inventories
    verify: Callable[[Session, datetime | None, Callable[[], bool]], list[str]] = verify_and_drill
    keep_kits: Callable[[Session], list[str]] = keep_kits
    overdue: Callable[[Session], list[str]] = lambda session: []
    tell: Callable[[Progress], None] = lambda progress: None
    clock: Callable[[], Clock] = Clock


@dataclass
class ServiceRuntime:
    """``wake`` is called, in whatever thread, when something happened that the loop should see."""

    config: Config
    schedules: Mapping[str, Schedule]
    session: Session
    workers: BatchWorkers
    outside: Dependencies
    wake: Callable[[], object]
    _stack: ExitStack
    opened: float = 0.0
    troubles: dict[str, NimwrapError] = field(default_factory=dict)
    refreshed: datetime | None = None
    refreshing: bool = False
    verified: datetime | None = None
    """When images were last looked for that are due to be read to their end."""
    taken_up: datetime | None = None
    """When runs without a living owner were last looked for."""
    foretold: set[str] = field(default_factory=set)
    """Which nights were told of that will not fit their windows."""
    said: list[str] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    background: int = 0
    """Threads at work besides the workers's."""

    @classmethod
    def open(
        cls, config: Config, schedules: Mapping[str, Schedule], outside: Dependencies, wake: Callable[[], object]
    ) -> ServiceRuntime:
        """Open the history and the hosts; nothing is connected yet."""
        stack = ExitStack()
        session = stack.enter_context(open_session(config, outside.clock(), tell=outside.tell))
        workers = BatchWorkers(session, outside.fleet, wake)
        return cls(config, schedules, session, workers, outside, wake, stack, opened=session.clock.monotonic())

    def first_asking(self, patience_s: float) -> bool:
        """True while the masters are asked for their clients for the first time, for a while."""
        return self.refreshed is None and self.refreshing and self.session.clock.monotonic() - self.opened < patience_s

    @property
    def idle(self) -> bool:
        return not self.workers.running and not self.background

    @property
    def engine(self) -> SlotClaimer:
        wait_s = waiting_for_latest(self.config, self.session.reader)
        black = partial(blackout_of, self.config)
        return SlotClaimer(self.session.slots, self._meant, wait_s, black)

    def adopt(self, masters: Iterable[str] | None = None) -> None:
        """Take up, in the background, what was left on each of ``masters``; None: on all, by an earlier process."""
        self.taken_up = self.session.clock.now()
        for master in self.session.hosts if masters is None else masters:
            self._in_background(f"adopt {master}", partial(self._adopt, master))

    def take_up_left(self, now: datetime) -> None:
        """Adopt, now and then, a run of our own that stayed open: its end could not be seen or written down then."""
        if self.taken_up is not None and abs(now - self.taken_up) < TAKE_UP_EVERY:
            return
        self.taken_up = now
        try:
            rows = self.session.reader.open_runs()
        except NimwrapError as error:  # the loop itself must outlive a history that cannot be read
            self.said.append(f"open runs could not be looked for: {error.message}")
            return
        left = {row.master for row in rows if not owner_alive(self.config.state_dir, row.id)}
        self.adopt(left & set(self.session.hosts))

    def refresh(self) -> None:
        """Take the inventories in the background, unless that is being done."""
        if not self.refreshing:
            self.refreshing = True
            self._in_background("inventory", self._refresh)

    def refresh_ahead(self, now: datetime, next_due: datetime | None) -> None:
        """Refresh when a slot is near and the inventories are not of today's hour."""
        if next_due is None or (next_due - now).total_seconds() > AHEAD_S:
            return
        if self.refreshed is None or (now - self.refreshed).total_seconds() > FRESH_S:
            self.refresh()

    def verify_when_idle(self, now: datetime, next_due: datetime | None) -> None:
        """Read images that are due for it in the background, once an hour, while no batch is at work."""
        if not self.idle or (self.verified is not None and abs(now - self.verified) < EVERY):
            return
        self.verified = now
        self._in_background("verify", partial(self._verify, next_due))

    def next_due(self, now: datetime) -> datetime | None:
        """The next slot of any schedule after ``now``."""
        return min((next(schedule.clock.after(now)) for schedule in self.schedules.values()), default=None)

    def leave(self) -> None:
        """Make every thread that follows an operation let go of it."""
        self.session.clock.stop.set()

    def close(self) -> None:
        self._stack.close()

    def _meant(self, schedule: Schedule) -> list[ClientRef]:
        refs = meant(self.session, schedule, self.troubles)
        if not refs and self.refreshed is None:
            raise NimwrapError("the masters have not been asked for their clients yet")
        return refs

    def _adopt(self, master: str) -> None:
        self.said += adopt(self.session, [master], wait=True, recovering=self.outside.recover)

    def _refresh(self) -> None:
        try:
            self.troubles = self.outside.refresh(self.session)
            self.refreshed = self.session.clock.now()
            self.said += [f"{master}: no inventory: {error.message}" for master, error in self.troubles.items()]
            self.said += self.outside.overdue(self.session)
        except NimwrapError as error:
            self.said.append(f"no inventory: {error.message}")
        finally:
            self.refreshing = False

    def _verify(self, next_due: datetime | None) -> None:
        self.said += self.outside.keep_kits(self.session)
        self.said += self.outside.verify(self.session, next_due, lambda: not self.workers.running)
        ahead = foretell(self.session, self.schedules)
        self.said += [text for text in ahead if text not in self.foretold]
        self.foretold = set(ahead)

    def _in_background(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except NimwrapError as error:
                self.said.append(f"{name}: {error.message}")
            except Exception as error:  # it must not die in silence
                self.said.append(f"{name}: this is a bug in nimwrap: {type(error).__name__}: {error}")
            with self._counting:
                self.background -= 1
            self.wake()

        with self._counting:
            self.background += 1
        threading.Thread(target=guarded, name=name, daemon=True).start()
