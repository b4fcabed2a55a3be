"""When no schedule may begin a backup of a client (``[blackout]``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.domain.black_hours import BlackHours
from nimwrap.domain.groups import means
from nimwrap.domain.local_time import local_text
from nimwrap.domain.ref import ClientRef

if TYPE_CHECKING:
    from nimwrap.config.model import Config


@dataclass(frozen=True)
class Blackout:
    """One that is in force, until ``ends``."""

    name: str
    ends: datetime

    @property
    def why(self) -> str:
        return f"blackout {self.name}: no schedule begins a backup before {local_text(self.ends)}"


def in_force(config: Config, refs: Iterable[ClientRef], moment: datetime) -> dict[str, tuple[Blackout, int]]:
    """By name, the blackouts that some of these clients are in, each with how many."""
    found: dict[str, tuple[Blackout, int]] = {}
    for black in (blackout_of(config, ref, moment) for ref in refs):
        if black is not None:
            found[black.name] = (black, found.get(black.name, (black, 0))[1] + 1)
    return found


def blackout_of(config: Config, ref: ClientRef, moment: datetime) -> Blackout | None:
    """The blackout that a client is in at this moment, of several the one that ends last; None outside of all."""
    found = [
        Blackout(one.name, ends)
        for one in config.blackout.values()
        if means(one.targets, config.groups, ref)
        and (ends := BlackHours(one.days, one.begins, one.ends, one.timezone).until(moment)) is not None
    ]
    return max(found, key=lambda one: one.ends, default=None)
