"""Time as the steps see it, and how they are told to leave; tests pass their own."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event


class Interrupted(Exception):  # noqa: N818  leaving is no error
    """We were asked to leave; what runs on the master goes on without us."""


class NotStarted(Interrupted):
    """The same, before an operation was started: nothing goes on."""


@dataclass
class Clock:
    """Time as the steps see it; tests pass their own. ``stop`` wakes every sleeper.

    While ``draining`` is set nothing new is started, and what runs goes on to its end.
    """

    stop: Event = field(default_factory=Event)
    draining: Event = field(default_factory=Event)

    @property
    def leaving(self) -> bool:
        return self.stop.is_set() or self.draining.is_set()

    def before_start(self) -> None:
        """Raise Unstarted when nothing new is to be started any more."""
        if self.leaving:
            raise NotStarted

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise Interrupted as soon as ``stop`` is set."""
        if self.stop.wait(seconds):
            raise Interrupted

    def wait(self, done: Event, seconds: float) -> bool:
        """Sleep beside the steps' own work, until ``done`` is set: then True."""
        return done.wait(seconds)

    def check(self) -> None:
        """Raise Interrupted when ``stop`` is set."""
        if self.stop.is_set():
            raise Interrupted
