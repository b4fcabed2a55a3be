"""How long a run has worked and how long it has waited, by a clock that never goes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds of work and of waiting; it begins with waiting."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since = monotonic()
        self._working = False
        self._worked_s = self._waited_s = 0.0

    def work(self) -> None:
        """From now on it is work."""
        self._turn(working=True)

    def wait(self) -> None:
        """From now on it is waiting."""
        self._turn(working=False)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block is waiting, whatever is around it."""
        before = self._working
        self.wait()
        try:
            yield
        finally:
            self._turn(working=before)

    @property
    def worked_s(self) -> float:
        return self._worked_s + (self._running_s if self._working else 0.0)

    @property
    def waited_s(self) -> float:
        return self._waited_s + (0.0 if self._working else self._running_s)

    @property
    def _running_s(self) -> float:
        return max(0.0, self._monotonic() - self._since)

    def _turn(self, *, working: bool) -> None:
        self._worked_s, self._waited_s = self.worked_s, self.waited_s
        self._since, self._working = self._monotonic(), working
