"""A daemon in the test's process, with a clock that the test sets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nimwrap.backup.unfinished_attempt import Recovered
from nimwrap.config.model import Config
from nimwrap.domain.clock import Clock
from nimwrap.domain.codes import Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import InventoryClient, Run
from nimwrap.fleet.fleet_run import Order
from nimwrap.fleet.session import Session
from nimwrap.history.sqlite.queries import Reader
from nimwrap.master_context import MasterContext
from nimwrap.scheduling.daemon import Daemon
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.runtime import Dependencies

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


HOURLY = Schedule("hourly", "0 * * * *", "UTC", ("*",), catch_up=1800)


class SetClock(Clock):
    """A clock that stands still until it is set."""

    moment = NOON

    def now(self) -> datetime:
        return self.moment


@dataclass
class Ears:
    """A service manager that writes down what it hears."""

    watchdog_s: float | None = None
    heard: list[str] = field(default_factory=list)

    def ready(self, status: str) -> None:
        self.heard.append(f"ready {status}")

    def status(self, status: str) -> None:
        self.heard.append(f"status {status}")

    def watchdog(self) -> None:
        self.heard.append("watchdog")

    def reloading(self) -> None:
        self.heard.append("reloading")

    def stopping(self, status: str) -> None:
        self.heard.append(f"stopping {status}")


@dataclass
class Scene:
    """A daemon whose fleet runs end when the test lets them."""

    config: Config
    schedules: dict[str, Schedule] = field(default_factory=lambda: {"hourly": HOURLY})
    fault: NimwrapError | None = None
    clock: SetClock = field(default_factory=SetClock)
    ears: Ears = field(default_factory=Ears)
    orders: list[Order] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)
    breaks: Exception | None = None

    def daemon(self, drain_s: float = 30.0) -> Daemon:
        outside = Dependencies(self.fleet, self.recover, self.refresh, clock=lambda: self.clock)
        daemon = Daemon(self.load, self.ears, drain_s, outside)
        daemon.start()
        until(daemon, lambda: daemon.place.refreshed is not None)
        return daemon

    def load(self) -> tuple[Config, dict[str, Schedule]]:
        if self.fault:
            raise self.fault
        return self.config, dict(self.schedules)

    def refresh(self, session: Session) -> dict[str, NimwrapError]:
        session.store.record_inventory("nim", [InventoryClient("aix01", "standalone", "aix01")], session.clock.now())
        return {}

    def recover(self, context: MasterContext, reader: Reader, wait: bool) -> Recovered:
        self.adopted.append(context.master.name)
        return Recovered(closed=["20261123T010203-aix01-4f2a"])

    def fleet(self, session: Session, order: Order) -> list[Run]:
        self.orders.append(order)
        while not (self.may_end.wait(0.01) or session.clock.stop.is_set()):
            pass
        if self.breaks:
            raise self.breaks
        if session.clock.stop.is_set():
            return []
        runs = [
            Run(
                f"{session.clock.now():%Y%m%dT%H%M%S}-{ref.client}-{order.slot:%H%M}",
                ref.client,
                ref.master,
                session.clock.now(),
                Outcome.OK,
                schedule=order.schedule,
                ended=session.clock.now(),
            )
            for ref in order.refs
        ]
        for run in runs:
            session.store.record_run(run, slot=order.slot)
        return runs

    def slots(self) -> list[tuple[str, str, str | None]]:
        with Reader.open(self.config.database) as reader:
            return [(row.slot[11:16], row.state, row.reason) for row in reader.slots()]


def until(daemon: Daemon, holds: Callable[[], object], limit: int = 100_000) -> None:
    """Turn the loop until something holds; a turn that would wait is woken at once."""
    for _ in range(limit):
        if holds():
            return
        daemon.wake()
        if not daemon.turn():
            break
        threading.Event().wait(0.002)  # the threads need a moment, and the loop's own waiting is cut short
    assert holds()


def turn(daemon: Daemon, times: int = 20) -> None:
    for _ in range(times):
        daemon.wake()
        daemon.turn()
