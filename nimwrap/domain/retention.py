"""Which images of one client and kind stay, which may go, and why, in words.

Only proven images count as generations. Nothing here can ever choose the last good image, the newest ``ok``
one, an image that is unmanaged, pinned, held or allocated, or the one that the asking run has just made: those are
set aside before any counting. An image dated after now counts as newer than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import format_duration

CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far two clocks that are kept right may differ."""


class Action(StrEnum):
    KEEP = "keep"
    REMOVE = "remove"


class Generation(NamedTuple):
    """One image as retention sees it. ``held``: its client is held; ``allocated``: NIM serves it to somebody now;
    ``named``: it has the fixed name that recovery papers use; ``just_made``: by the run that asks, so that it is the
    newest whatever its date says; ``machine``: the id of the machine that it was made of, empty where nobody knows.
    A tuple: a report makes tens of thousands of them."""

    id: int
    created: datetime
    verified: bool = True
    outcome: Outcome = Outcome.OK
    managed: bool = True
    pinned: bool = False
    held: bool = False
    allocated: bool = False
    fault: str | None = None
    named: bool = False
    just_made: bool = False
    machine: str = ""

    @property
    def order(self) -> tuple[bool, datetime, int]:
        """Greater is newer."""
        return self.just_made, self.created, self.id

    def misdated(self, now: datetime) -> bool:
        """Whether its date cannot be true; that of the image just made is never asked."""
        return not self.just_made and in_future(self.created, now)

    @property
    def good(self) -> bool:
        """Proven, and nothing found against it since."""
        return self.verified and self.fault is None and self.outcome in _PROVEN


_PROVEN = (Outcome.OK, Outcome.WARNING)


@dataclass(frozen=True)
class KeepRules:
    """``min_age`` in seconds; ``weekly`` and ``monthly`` count calendar periods (UTC) that have an image."""

    keep: int
    weekly: int = 0
    monthly: int = 0
    min_age: int = 0


class Decision(NamedTuple):
    image: Generation
    action: Action
    reason: str


def in_future(moment: datetime, now: datetime) -> bool:
    """Whether ``moment`` lies so far after ``now`` that one of the two clocks was wrong."""
    return moment > now + CLOCK_TOLERANCE


def decide(images: Iterable[Generation], rules: KeepRules, now: datetime) -> list[Decision]:
    """One decision for each image, newest first. Deciding again over what was kept removes nothing more."""
    newest_first = sorted(images, key=lambda image: image.order, reverse=True)
    proven = [image for image in newest_first if image.managed and image.good and not image.misdated(now)]
    wanted = _wanted(proven, rules)
    decisions = []
    for image in newest_first:
        kept = _untouchable(image, now) or wanted.get(image.id) or _too_young(image, rules, now)
        if kept is None and not image.good:
            kept = _unproven_kept(image, proven, rules)
        if kept is not None:
            decisions.append(Decision(image, Action.KEEP, kept))
        else:
            decisions.append(Decision(image, Action.REMOVE, _removal_reason(image, proven, rules)))
    return decisions


def _untouchable(image: Generation, now: datetime) -> str | None:
    holding = (
        image.just_made,
        image.misdated(now),
        not image.managed,
        image.pinned,
        image.allocated,
        image.held,
        image.named,
    )
    return _KEPT_BY[holding.index(True)] if True in holding else None


_KEPT_BY = (
    "this run has just made it",
    "dated in the future: a clock was wrong, so it is not counted",
    "unmanaged: nimwrap did not make it and has not adopted it",
    "pinned",
    "allocated: NIM is serving it to a machine",
    "its client is held",
    "it has the fixed name; a new image takes that first",
)
"""What each of these says, in their order."""


def _wanted(proven: Sequence[Generation], rules: KeepRules) -> dict[int, str]:
    """The proven images that a rule asks for, by id, each with the first rule that does; ``proven`` newest first."""
    wanted: dict[int, str] = {}
    if proven:
        wanted[proven[0].id] = "the last good image"
    newest_ok = next((image for image in proven if image.outcome is Outcome.OK), None)
    if newest_ok is not None:
        wanted.setdefault(newest_ok.id, "the newest image without warnings")
    for image in _last_of_earlier_machines(proven):
        wanted.setdefault(image.id, f"the last good image of an earlier machine ({image.machine})")
    for number, image in enumerate(proven[: max(rules.keep, 0)], start=1):
        wanted.setdefault(image.id, f"proven generation {number} of keep = {rules.keep}")
    for image, period in _newest_of_each(proven, rules.weekly, "%G week %V"):
        wanted.setdefault(image.id, f"the newest of {period}, keep_weekly = {rules.weekly}")
    for image, period in _newest_of_each(proven, rules.monthly, "%Y-%m"):
        wanted.setdefault(image.id, f"the newest of {period}, keep_monthly = {rules.monthly}")
    return wanted


def _last_of_earlier_machines(proven: Sequence[Generation]) -> list[Generation]:
    """Of each machine that the client was before, the newest image: those of another one say nothing about it."""
    last: dict[str, Generation] = {}
    for image in proven:
        if image.machine:
            last.setdefault(image.machine, image)
    return list(last.values())[1:]


def _newest_of_each(proven: Sequence[Generation], periods: int, form: str) -> list[tuple[Generation, str]]:
    first: dict[str, Generation] = {}
    for image in proven if periods > 0 else ():
        first.setdefault(image.created.astimezone(UTC).strftime(form), image)
    return [(image, period) for period, image in first.items()][: max(periods, 0)]


def _too_young(image: Generation, rules: KeepRules, now: datetime) -> str | None:
    age = (now - image.created).total_seconds()
    return f"younger than min_age = {format_duration(rules.min_age)}" if age < rules.min_age else None


def _unproven_kept(image: Generation, proven: Sequence[Generation], rules: KeepRules) -> str | None:
    """Why an image that does not count is still left, None once the policy would have removed a good one there."""
    enough = max(rules.keep, 1)
    newer = _newer(image, proven)
    if newer >= enough:
        return None
    why = f"has a fault ({image.fault})" if image.fault else "is not proven"
    return f"{why}, so it does not count; left until {enough} proven ones are newer ({newer} now)"


def _removal_reason(image: Generation, proven: Sequence[Generation], rules: KeepRules) -> str:
    newer = f"{_newer(image, proven)} newer proven, keep = {rules.keep}"
    if image.good:
        return f"beyond the generations to keep: {newer}"
    return f"{'has a fault (' + image.fault + ')' if image.fault else 'is not proven'}; {newer}"


def _newer(image: Generation, proven: Sequence[Generation]) -> int:
    return sum(other.order > image.order for other in proven)
