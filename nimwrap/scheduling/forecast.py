"""What comes next: the slots of the coming days and whom they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import merge
from typing import TYPE_CHECKING

from nimwrap.clients.blackouts import Blackout, blackout_of
from nimwrap.clients.known_clients import current_clients
from nimwrap.config.model import Config
from nimwrap.domain.durations import format_duration
from nimwrap.domain.local_time import local_text
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.night_forecast import NightForecast, night_forecast
from nimwrap.history.ports import Queries
from nimwrap.scheduling.model import LATEST, Schedule
from nimwrap.scheduling.schedule_clients import clients_of
from nimwrap.scheduling.slots import start_of, upcoming
from nimwrap.scheduling.window_notes import note_windows

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session


@dataclass(frozen=True)
class Coming:
    """A slot to come and the clients it means, by the inventory as it is now; ``black``: those that a blackout will
    keep out of it."""

    slot: datetime
    schedule: Schedule
    refs: tuple[ClientRef, ...]
    night: NightForecast | None = None
    black: Mapping[ClientRef, Blackout] = field(default_factory=dict)

    @property
    def blackout(self) -> Blackout | None:
        """The blackout for which nobody is backed up in this slot."""
        return self.black[self.refs[0]] if self.refs and len(self.black) == len(self.refs) else None

    @property
    def fits(self) -> bool | None:
        """Whether the night is expected to end inside its window; None without a window, or where nobody can say."""
        if self.night is None or self.schedule.window is None or self.blackout is not None:
            return None
        return self.night.seconds <= self.schedule.window

    @property
    def wait_s(self) -> float:
        """How long after the slot the night begins."""
        return wait_for_latest(self.schedule, self.night)


def wait_for_latest(schedule: Schedule, night: NightForecast | None) -> float:
    """How long a night that is due waits: with ``begin = "latest"`` so long that it still ends inside its window."""
    if schedule.begin != LATEST or schedule.window is None or night is None:
        return 0.0
    return max(0.0, night.latest_start_s(schedule.window) - schedule.jitter)


def waiting_for_latest(config: Config, reader: Queries) -> Callable[[Schedule, Sequence[ClientRef], datetime], float]:
    """For a claimer: how long a slot of these clients that has begun waits before its first one starts."""

    def wait_s(schedule: Schedule, refs: Sequence[ClientRef], began: datetime) -> float:
        if schedule.begin != LATEST:
            return 0.0
        return wait_for_latest(schedule, night_forecast(config, reader, refs, began))

    return wait_s


DAYS_AHEAD = 7
"""So long before it is due, a night that no longer fits its window is told of."""


def warnings_ahead(config: Config, reader: Queries, schedules: Mapping[str, Schedule], now: datetime) -> dict[str, str]:
    """A sentence for each schedule of which a night of the coming days is not expected to fit its window."""
    windows = {name: schedule for name, schedule in schedules.items() if schedule.window is not None}
    slots = coming(config, reader, windows, now, now + timedelta(days=DAYS_AHEAD))
    return {name: f"{text}; {hint}" for name, text, hint in too_long(slots)}


def foretell(session: Session, schedules: Mapping[str, Schedule]) -> list[str]:
    """What :func:`warnings_ahead` says, kept for all who only read the history."""
    now = session.clock.now()
    short = warnings_ahead(session.config, session.reader, schedules, now)
    note_windows(session.store, session.reader, short, now)
    return list(short.values())


def too_long(slots: Iterable[Coming]) -> Iterator[tuple[str, str, str]]:
    """Of each schedule the first coming night that is not expected to fit into its window: the schedule's name, that
    it will not, and what to do about it."""
    told: set[str] = set()
    for each in slots:
        if each.fits is False and each.schedule.name not in told and each.night is not None:
            told.add(each.schedule.name)
            takes, window = format_duration(each.night.seconds), format_duration(each.schedule.window or 0)
            when = local_text(each.slot)
            text = f"{each.schedule.name}: the night of {when} is expected to take {takes}; its window is {window}"
            yield (
                each.schedule.name,
                text,
                "begin earlier with a longer window, spread the clients over several nights, or find the limit",
            )


def coming(
    config: Config, reader: Queries, schedules: Mapping[str, Schedule], now: datetime, until: datetime
) -> Iterator[Coming]:
    """Every slot after ``now`` up to ``until``, in order."""
    known = current_clients(config, reader)

    def of_one(schedule: Schedule) -> Iterator[Coming]:
        refs = tuple(clients_of(config, known, schedule))
        nights: dict[tuple[int, int], NightForecast | None] = {}

        def night(slot: datetime) -> NightForecast | None:
            hour = (slot.weekday(), slot.hour)
            if hour not in nights:
                nights[hour] = night_forecast(config, reader, refs, slot)
            return nights[hour]

        return (
            with_blackouts(config, Coming(slot, schedule, refs, night(slot))) for slot in upcoming(schedule, now, until)
        )

    return merge(*map(of_one, schedules.values()), key=lambda each: (each.slot, each.schedule.name))


def with_blackouts(config: Config, each: Coming) -> Coming:
    """With those whom a blackout keeps out, at the slot or at their own start in it."""
    if not config.blackout:
        return each
    wait = timedelta(seconds=each.wait_s)
    starts = {ref: start_of(each.schedule, ref, each.slot) + wait for ref in each.refs}
    found = {
        ref: black
        for ref, start in starts.items()
        if (black := blackout_of(config, ref, each.slot) or blackout_of(config, ref, start))
    }
    return replace(each, black=found)
