"""The port of the slots of schedules: a queue that outlives every process, opened once, taken once, never forgotten.

A row goes ``waiting`` (the slot has begun, this client not yet), ``claimed`` (a living process will begin it),
``started`` (it has a run), ``done``; or it ends as ``missed``, ``skipped`` or ``failed`` with a reason. ``claimed`` the
column is the instant at which the whole slot began, or was missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import SlotRow

WAITING, CLAIMED, MISSED, SKIPPED = "waiting", "claimed", "missed", "skipped"
NOBODY = ClientRef("", "")
"""Stands in the row of a slot that no client is due in."""


@dataclass(frozen=True)
class Opening:
    """The rows that a slot gets: everyone waits, or everyone missed it, or is ``skipped`` on purpose. ``reason`` says
    why, or how late it begins."""

    schedule: str
    slot: datetime
    refs: Sequence[ClientRef]
    missed: bool = False
    reason: str | None = None
    skipped: bool = False

    @property
    def state(self) -> str:
        return SKIPPED if self.skipped else MISSED if self.missed else WAITING


class SlotClaims(Protocol):
    """Who works on which client of which slot; several processes may ask at any time."""

    def newest_slot(self, schedule: str, now: datetime) -> datetime | None:
        """The newest slot of a schedule, not later than ``now``, that has rows; not those that a wrong clock missed."""

    def pending(self, since: datetime) -> list[SlotRow]:
        """The rows free to be taken, oldest slot first; of killed and half-done ones those of slots after ``since``."""

    def open_slot(self, opening: Opening, at: datetime) -> bool:
        """Write the rows of a slot, all or none. False when somebody did so before."""

    def take(self, schedule: str, slot: datetime, refs: Iterable[ClientRef]) -> list[ClientRef]:
        """Claim those of ``refs`` whose rows are free, as in :meth:`pending`; returns them."""

    def end(self, schedule: str, slot: datetime, refs: Iterable[ClientRef], state: str, reason: str) -> None:
        """Close the rows of clients that got no run: ``missed``, ``skipped`` or ``failed``, and why."""
