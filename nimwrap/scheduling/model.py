"""One schedule as a record, with the times it makes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nimwrap.scheduling.wallclock import WallClock, wall_clock

DEFAULT_TIMEZONE = "UTC"
SLOT, LATEST = "slot", "latest"
"""When a night begins: when it is due, or so late that it still ends inside its window, as far as history says."""
DEFAULT_CATCH_UP_S = 900
"""What holds without ``catch_up``: long enough for a timer that calls ``due`` every five or ten minutes."""


@dataclass(frozen=True)
class Schedule:
    """One table of a schedule file (INTERFACE section 5). Durations are seconds; ``window`` None: no end."""

    name: str
    cron: str
    timezone: str
    targets: tuple[str, ...]
    window: int | None = None
    jitter: int = 0
    catch_up: int = DEFAULT_CATCH_UP_S
    file: Path | None = None
    begin: str = SLOT

    @cached_property
    def clock(self) -> WallClock:
        """Its times; the loader has made sure that they can be computed."""
        return wall_clock(self.cron, self.timezone)
