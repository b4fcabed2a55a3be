"""Who watches a fleet run: its progress, when it will be done, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nimwrap.domain.progress import Progress
    from nimwrap.domain.records import Run

ExpectedEnd = Callable[[], datetime | None]
"""When everything will be done, by what the history says; None while it says too little."""


class FleetObserver:
    """Sees nothing of a fleet run; who wants to see something overrides it. An observer must not raise."""

    def begins(self, expected_end: ExpectedEnd) -> None:
        """A fleet run begins."""

    def progresses(self, progress: Progress) -> None:
        """One of its runs has come further; called in the thread of that run."""

    def ended(self, runs: Sequence[Run]) -> None:
        """All is done, or we were told to leave: then some of ``runs`` have no end yet."""


@dataclass(frozen=True)
class FleetObservers(FleetObserver):
    """Several observers, called one after the other."""

    each: Sequence[FleetObserver]

    def begins(self, expected_end: ExpectedEnd) -> None:
        for observer in self.each:
            observer.begins(expected_end)

    def progresses(self, progress: Progress) -> None:
        for observer in self.each:
            observer.progresses(progress)

    def ended(self, runs: Sequence[Run]) -> None:
        for observer in self.each:
            observer.ended(runs)
