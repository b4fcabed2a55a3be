"""APScheduler as the clock of the daemon: it rings, and does nothing else (reference libraries section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.wallclock import WallClock


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Fires at the slots of one wall clock."""

    def __init__(self, clock: WallClock) -> None:
        self.clock = clock

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The slot after the earlier of the two, so that none is passed over after a pause."""
        return next(self.clock.after(min(previous, now) if previous else now))


class SlotTimer:
    """Rings at every slot of the schedules, and every ``refresh_s`` for the inventories. Jobs live in memory alone."""

    def __init__(self, wake: Callable[[], Any], refresh: Callable[[], Any], refresh_s: int) -> None:
        self._wake, self._refresh, self._refresh_s = wake, refresh, refresh_s
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self, schedules: Mapping[str, Schedule]) -> None:
        self._scheduler.start()
        self.reschedule(schedules)

    def reschedule(self, schedules: Mapping[str, Schedule]) -> None:
        """Forget all jobs and make them anew from the schedules."""
        self._scheduler.remove_all_jobs()
        for schedule in schedules.values():
            self._scheduler.add_job(self._wake, SlotTrigger(schedule.clock), id=f"slot {schedule.name}")
        self._scheduler.add_job(self._refresh, IntervalTrigger(seconds=self._refresh_s, timezone=UTC), id="inventory")

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)
