"""Is a client protected? Computed from timestamps and policy whenever somebody asks, never stored.

Status, Nagios line, metrics, report and digest all take their verdicts from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nimwrap.domain.durations import format_duration

INVENTORY_LIMIT = timedelta(hours=25)
"""An inventory older than this is a fault: a new client must not go unmentioned (INTERFACE section 2)."""


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


SEVERITY: dict[Verdict, int] = {Verdict.CRITICAL: 3, Verdict.UNKNOWN: 2, Verdict.WARNING: 1, Verdict.OK: 0}


@dataclass(frozen=True)
class Facts:
    """What is known of one client. Times are aware; ``max_age_s`` in seconds.

    ``scheduled``: some schedule covers it; None when there are no schedules at all. ``open_change``: an export change
    of one of its runs that is not reverted, in words. ``seen``: its master's inventory has been taken.
    """

    max_age_s: int
    last_good: datetime | None = None
    last_good_warned: bool = False
    last_run: datetime | None = None
    last_outcome: str | None = None
    last_failure: str = ""
    held: str | None = None
    excluded: bool = False
    vanished: datetime | None = None
    scheduled: bool | None = None
    open_change: str | None = None
    image_fault: str | None = None
    seen: bool = True


@dataclass(frozen=True)
class Judged:
    """``reasons``: why it is not ok, the worst first; ``overdue``: nothing good for longer than ``max_age``."""

    verdict: Verdict
    reasons: tuple[str, ...]
    overdue: bool = False
    never_backed_up: bool = False


def judge(facts: Facts, now: datetime) -> Judged:
    """The verdict on one client. A hold turns a missing or old image into a warning: somebody chose it, visibly."""
    never = facts.last_good is None
    age_s = (now - facts.last_good).total_seconds() if facts.last_good else None
    overdue = age_s is not None and age_s > facts.max_age_s
    if facts.excluded:
        return Judged(Verdict.OK, ("excluded by the configuration",), never_backed_up=never)
    missing = Verdict.WARNING if facts.held else Verdict.CRITICAL
    found = [(verdict, reason) for verdict, reason in _reasons(facts, missing, age_s) if reason]
    found.sort(key=lambda pair: -SEVERITY[pair[0]])
    verdict = found[0][0] if found else Verdict.OK
    reasons = [reason for _, reason in found]
    if facts.held:
        reasons.append(f"held: {facts.held}")
    return Judged(verdict, tuple(reasons), overdue or never, never)


def _reasons(facts: Facts, missing: Verdict, age_s: float | None) -> Iterable[tuple[Verdict, str]]:
    yield Verdict.CRITICAL, facts.open_change or ""
    if age_s is None:
        yield missing, "never backed up: no good image is known"
    elif age_s > facts.max_age_s:
        limit = format_duration(facts.max_age_s)
        yield missing, f"the last good image is {format_duration(age_s)} old, the limit is {limit}"
    if facts.last_outcome in ("failed", "refused", "locked") and _after(facts.last_run, facts.last_good):
        yield Verdict.WARNING, f"the last run {_said(facts.last_outcome)}: {facts.last_failure or 'no reason recorded'}"
    if facts.last_good_warned:
        yield Verdict.WARNING, "some files are not in the last good image (0512-003)"
    if facts.image_fault:
        yield Verdict.WARNING, f"a kept image is faulty: {facts.image_fault}"
    if facts.vanished:
        yield Verdict.WARNING, f"NIM does not list this client any more (since {facts.vanished:%Y-%m-%d})"
    if facts.scheduled is False:
        yield Verdict.WARNING, "no schedule covers this client"
    if not facts.seen:
        yield Verdict.UNKNOWN, "its master was never asked for its clients"


def _said(outcome: str) -> str:
    return {"failed": "failed", "refused": "was refused", "locked": "found it locked"}[outcome]


def _after(run: datetime | None, good: datetime | None) -> bool:
    return run is not None and (good is None or run >= good)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several; ok for none."""
    return max(verdicts, key=lambda verdict: SEVERITY[verdict], default=Verdict.OK)


def inventory_fault(taken: datetime | None, now: datetime) -> str | None:
    """What is wrong with an inventory taken then (None: never), or None."""
    if taken is None:
        return "never taken: new clients would go unmentioned"
    if now - taken > INVENTORY_LIMIT:
        return f"{format_duration((now - taken).total_seconds())} old: clients defined since then go unmentioned"
    return None
