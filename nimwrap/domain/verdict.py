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
    of one of its runs that is not reverted, in words. ``seen``: its master's inventory has been taken. ``missed``: its
    newest slot that came and went without a run, and why. ``patience_s``: how long a run may go on without an end.
    ``kind``: of the image that ``last_good`` is about, where that is not mksysb.
    """

    max_age_s: int
    kind: str = ""
    last_good: datetime | None = None
    last_good_warned: bool = False
    last_run: datetime | None = None
    last_outcome: str | None = None
    last_failure: str = ""
    held: str | None = None
    excluded: bool = False
    vanished: datetime | None = None
    scheduled: bool | None = None
    missed: tuple[datetime, str] | None = None
    patience_s: int = 86400
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
    if facts.excluded and not facts.open_change:
        return Judged(Verdict.OK, ("excluded by the configuration",), never_backed_up=never)
    missing = Verdict.WARNING if facts.held else Verdict.CRITICAL
    found = [(verdict, reason) for verdict, reason in _reasons(facts, missing, age_s) if reason]
    found += [(Verdict.WARNING, reason) for reason in (_endless(facts, now),) if reason]
    found.sort(key=lambda pair: -SEVERITY[pair[0]])
    verdict = found[0][0] if found else Verdict.OK
    reasons = [reason for _, reason in found]
    if facts.held:
        reasons.append(f"held: {facts.held}")
    return Judged(verdict, tuple(reasons), overdue or never, never)


def _reasons(facts: Facts, missing: Verdict, age_s: float | None) -> Iterable[tuple[Verdict, str]]:
    image = f"{facts.kind} image" if facts.kind else "image"
    yield Verdict.CRITICAL, facts.open_change or ""
    if age_s is None:
        yield missing, f"never backed up: no good {image} is known"
    elif age_s > facts.max_age_s:
        limit = format_duration(facts.max_age_s)
        yield missing, f"the last good {image} is {format_duration(age_s)} old, the limit is {limit}"
    if facts.last_outcome in _ENDED_BADLY and _after(facts.last_run, facts.last_good):
        yield Verdict.WARNING, f"the last run {_ENDED_BADLY[facts.last_outcome]}: {facts.last_failure or _NO_REASON}"
    if facts.missed and _after(facts.missed[0], max(filter(None, (facts.last_good, facts.last_run)), default=None)):
        yield Verdict.WARNING, f"it missed its slot of {facts.missed[0]:%Y-%m-%d %H:%M} UTC: {facts.missed[1]}"
    if facts.last_good_warned:
        yield Verdict.WARNING, f"some files are not in the last good {image} (0512-003)"
    if facts.image_fault:
        yield Verdict.WARNING, f"a kept image is faulty: {facts.image_fault}"
    if facts.vanished:
        yield Verdict.WARNING, f"NIM does not list this client any more (since {facts.vanished:%Y-%m-%d})"
    if facts.scheduled is False:
        yield Verdict.WARNING, "no schedule covers this client"
    if not facts.seen:
        yield Verdict.UNKNOWN, "its master was never asked for its clients"


_NO_REASON = "no reason was recorded"
_ENDED_BADLY = {"failed": "failed", "refused": "was refused", "locked": "found the client locked"}


def _endless(facts: Facts, now: datetime) -> str:
    """A run that began long ago and has no end in the history: its process is gone, or it hangs."""
    if facts.last_outcome != "running" or facts.last_run is None:
        return ""
    since_s = (now - facts.last_run).total_seconds()
    began = f"the run that began {format_duration(since_s)} ago has no end yet; nimwrap recover looks after it"
    return began if since_s > facts.patience_s else ""


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
