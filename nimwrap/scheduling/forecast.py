"""What comes next: the slots of the coming days and whom they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge

from nimwrap.clients.known_clients import current_clients
from nimwrap.config.model import Config
from nimwrap.domain.records import ClientRef
from nimwrap.history.ports import Queries
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.schedule_clients import clients_of
from nimwrap.scheduling.slots import upcoming


@dataclass(frozen=True)
class Coming:
    """A slot to come and the clients it means, by the inventory as it is now."""

    slot: datetime
    schedule: Schedule
    refs: tuple[ClientRef, ...]


def coming(
    config: Config, reader: Queries, schedules: Mapping[str, Schedule], now: datetime, until: datetime
) -> Iterator[Coming]:
    """Every slot after ``now`` up to ``until``, in order."""
    known = current_clients(config, reader)

    def of_one(schedule: Schedule) -> Iterator[Coming]:
        refs = tuple(clients_of(config, known, schedule))
        return (Coming(slot, schedule, refs) for slot in upcoming(schedule, now, until))

    return merge(*map(of_one, schedules.values()), key=lambda each: (each.slot, each.schedule.name))
