"""What one preflight check says, and the verdict that several make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nimwrap.domain.codes import NEARNESS, FailureCode


class CheckStatus(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckVerdict(StrEnum):
    READY = "ready"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True)
class Finding:
    """One check's result. ``failure`` is set when it refuses; ``evidence`` is the raw text it rests on.

    ``data``: what it measured, for programs.
    """

    check: str
    status: CheckStatus
    message: str
    fix: str = ""
    evidence: str = ""
    failure: FailureCode | None = None
    data: Mapping[str, str | int] = field(default_factory=dict, hash=False)

    def as_json(self) -> dict[str, Any]:
        """One entry of ``findings[]`` (INTERFACE section 4)."""
        return {name: getattr(self, name) for name in ("check", "status", "message", "fix", "evidence")}


@dataclass(frozen=True)
class Failure:
    """Why a run is not ``ok``, in the words shown to the user."""

    code: FailureCode
    message: str
    fix: str = ""
    evidence: str = ""


def numbered(what: str, *steps: str) -> str:
    """A cure of several steps: what is done by it, and below each other how."""
    return "\n".join([what, *(f"{number}. {step}" for number, step in enumerate(steps, start=1))])


def verdict_of(findings: Iterable[Finding]) -> CheckVerdict:
    """``refused`` if any check failed, else ``warning`` if any warned, else ``ready``."""
    statuses = {finding.status for finding in findings}
    if CheckStatus.FAILED in statuses:
        return CheckVerdict.REFUSED
    return CheckVerdict.WARNING if CheckStatus.WARNING in statuses else CheckVerdict.READY


def refusal(findings: Sequence[Finding]) -> Failure | None:
    """Of the findings that refuse, the one nearest the cause; None when nothing refuses."""
    refusing = [finding for finding in findings if finding.status is CheckStatus.FAILED]
    if not refusing:
        return None
    first = min(refusing, key=lambda finding: NEARNESS[finding.failure or FailureCode.UNKNOWN])
    return Failure(first.failure or FailureCode.UNKNOWN, first.message, first.fix, first.evidence)
