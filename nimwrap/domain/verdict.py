"""Is a client protected? Computed from timestamps and policy whenever somebody asks, never stored.

Status, Nagios line, metrics, report and digest all take their verdicts from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nimwrap.domain.durations import format_duration
from nimwrap.domain.local_time import local_text

INVENTORY_LIMIT = timedelta(hours=25)
"""An inventory older than this is a fault: a new client must not go unmentioned (INTERFACE section 2)."""


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


SEVERITY: dict[Verdict, int] = {Verdict.CRITICAL: 3, Verdict.UNKNOWN: 2, Verdict.WARNING: 1, Verdict.OK: 0}


class ReasonCode(StrEnum):
    """Stable words: what is wrong with a client, then what is wrong with the site."""

    EXCLUDED = "excluded"
    HELD = "held"
    EXPORT_OPEN = "export_open"
    EXPORT_FOREIGN = "export_foreign"
    RUN_ENDLESS = "run_endless"
    NEVER_BACKED_UP = "never_backed_up"
    NO_IMAGE_LEFT = "no_image_left"
    OVERDUE = "overdue"
    RUN_FAILED = "run_failed"
    SLOT_MISSED = "slot_missed"
    IMAGE_INCOMPLETE = "image_incomplete"
    IMAGE_FAULTY = "image_faulty"
    IMAGE_MISDATED = "image_misdated"
    ONLY_ONE_COPY = "only_one_copy"
    COPY_FAILED = "copy_failed"
    COPY_LATE = "copy_late"
    IMAGE_GONE = "image_gone"
    VANISHED = "vanished"
    UNSCHEDULED = "unscheduled"
    MASTER_NEVER_ASKED = "master_never_asked"
    NO_CLIENT = "no_client"
    INVENTORY_OLD = "inventory_old"
    EXPORT_LEFT = "export_left"
    REMOVALS_STOPPED = "removals_stopped"
    SCHEDULES_UNREADABLE = "schedules_unreadable"
    SCHEDULES_GONE = "schedules_gone"
    SCHEDULE_EMPTY = "schedule_empty"
    SCHEDULE_OVER = "schedule_over"
    WINDOW_SHORT = "window_short"
    SCHEDULE_UNKNOWN_CLIENT = "schedule_unknown_client"


@dataclass(frozen=True)
class Reason:
    """One fault. ``subjects``: what it is about besides its client: directories, masters, names.

    The text is for people: two reasons with the same identities are the same fault, whatever ages and dates they tell.
    """

    verdict: Verdict
    code: ReasonCode
    text: str
    subjects: tuple[str, ...] = ()

    @property
    def identities(self) -> frozenset[str]:
        """``code:subject`` for each subject, else ``code``."""
        return frozenset(f"{self.code}:{subject}" for subject in self.subjects) or frozenset({str(self.code)})


def identities(reasons: Iterable[Reason]) -> frozenset[str]:
    """Those of several reasons."""
    return frozenset(identity for reason in reasons for identity in reason.identities)


def texts(reasons: Iterable[Reason]) -> str:
    """Several reasons in one line for people."""
    return "; ".join(reason.text for reason in reasons)


@dataclass(frozen=True)
class Facts:
    """What is known of one client. Times are aware; ``max_age_s`` in seconds.

    ``scheduled``: some schedule covers it; None when there are no schedules at all. ``open_changes``: export changes
    of its runs that are not reverted. ``ever_good``: some image of it was proven once, whatever became of that.
    ``image_faults``: of images that are kept; ``copy_faults``: of its copies. ``seen``: its master's inventory has been
    taken. ``missed``: its newest slot that came and went without a run, and why. ``patience_s``: how long a run may go
    on without an end. ``kind``: of the image that ``last_good`` is about, where that is not mksysb.
    """

    max_age_s: int
    kind: str = ""
    last_good: datetime | None = None
    last_good_warned: bool = False
    ever_good: bool = False
    last_run: datetime | None = None
    last_outcome: str | None = None
    last_failure: str = ""
    last_failure_code: str = ""
    held: str | None = None
    excluded: bool = False
    vanished: datetime | None = None
    scheduled: bool | None = None
    missed: tuple[datetime, str] | None = None
    patience_s: int = 86400
    open_changes: tuple[Reason, ...] = ()
    image_faults: tuple[Reason, ...] = ()
    copy_faults: tuple[Reason, ...] = ()
    seen: bool = True


@dataclass(frozen=True)
class Judged:
    """``reasons``: why it is not ok, the worst first; ``overdue``: nothing good for longer than ``max_age``."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    overdue: bool = False
    never_backed_up: bool = False


def judge(facts: Facts, now: datetime) -> Judged:
    """The verdict on one client. A hold turns a missing or old image into a warning: somebody chose it, visibly."""
    never = facts.last_good is None
    age_s = (now - facts.last_good).total_seconds() if facts.last_good else None
    overdue = age_s is not None and age_s > facts.max_age_s
    if facts.excluded and not facts.open_changes:
        excluded = Reason(Verdict.OK, ReasonCode.EXCLUDED, "excluded by the configuration")
        return Judged(Verdict.OK, (excluded,), never_backed_up=never and not facts.ever_good)
    missing = Verdict.WARNING if facts.held else Verdict.CRITICAL
    found = [*facts.open_changes, *_of_age(facts, missing, age_s), *_of_runs(facts, now), *_of_rest(facts)]
    found.sort(key=lambda reason: -SEVERITY[reason.verdict])
    verdict = found[0].verdict if found else Verdict.OK
    if facts.held:
        found.append(Reason(Verdict.OK, ReasonCode.HELD, f"held: {facts.held}"))
    return Judged(verdict, tuple(found), overdue or never, never and not facts.ever_good)


def _image(facts: Facts) -> tuple[str, tuple[str, ...]]:
    """What the image is called, and the kind as a subject where it is not mksysb."""
    return (f"{facts.kind} image", (facts.kind,)) if facts.kind else ("image", ())


def _warning(code: ReasonCode, text: str, *subjects: str) -> Reason:
    return Reason(Verdict.WARNING, code, text, subjects)


def _of_age(facts: Facts, missing: Verdict, age_s: float | None) -> Iterable[Reason]:
    image, kinds = _image(facts)
    if age_s is None and facts.ever_good:
        text = f"no good {image} is left: what was good once is gone, or faulty by now"
        yield Reason(missing, ReasonCode.NO_IMAGE_LEFT, text, kinds)
    elif age_s is None:
        text = f"never backed up: no good {image} is known"
        yield Reason(missing, ReasonCode.NEVER_BACKED_UP, text, kinds)
    elif age_s > facts.max_age_s:
        limit = format_duration(facts.max_age_s)
        text = f"the last good {image} is {format_duration(age_s)} old, the limit is {limit}"
        yield Reason(missing, ReasonCode.OVERDUE, text, kinds)


def _of_runs(facts: Facts, now: datetime) -> Iterable[Reason]:
    if facts.last_outcome in _ENDED_BADLY and _after(facts.last_run, facts.last_good):
        text = f"the last run {_ENDED_BADLY[facts.last_outcome]}: {facts.last_failure or _NO_REASON}"
        yield _warning(ReasonCode.RUN_FAILED, text, facts.last_failure_code or facts.last_outcome)
    if facts.missed and _after(facts.missed[0], max(filter(None, (facts.last_good, facts.last_run)), default=None)):
        text = f"it missed its slot of {local_text(facts.missed[0])}: {facts.missed[1]}"
        yield _warning(ReasonCode.SLOT_MISSED, text)
    if endless := _endless(facts, now):
        yield _warning(ReasonCode.RUN_ENDLESS, endless)


def _of_rest(facts: Facts) -> Iterable[Reason]:
    """Its images, and its places in NIM and in the schedules."""
    image, kinds = _image(facts)
    if facts.last_good_warned:
        yield _warning(ReasonCode.IMAGE_INCOMPLETE, f"some files are not in the last good {image} (0512-003)", *kinds)
    yield from facts.image_faults
    if facts.last_good is not None:
        yield from facts.copy_faults
    if facts.vanished:
        text = f"NIM does not list this client any more (since {facts.vanished:%Y-%m-%d})"
        yield _warning(ReasonCode.VANISHED, text)
    if facts.scheduled is False:
        yield _warning(ReasonCode.UNSCHEDULED, "no schedule covers this client")
    if not facts.seen:
        yield Reason(Verdict.UNKNOWN, ReasonCode.MASTER_NEVER_ASKED, "its master was never asked for its clients")


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
    """What is wrong with an inventory taken then (None: never), as the rest of a sentence about it, or None."""
    if taken is None:
        return "was never taken: new clients would go unmentioned"
    if now - taken > INVENTORY_LIMIT:
        return f"is {format_duration((now - taken).total_seconds())} old: clients defined since then go unmentioned"
    return None
