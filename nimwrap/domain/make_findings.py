"""The one way to say what a check found: preflight and doctor alike."""

from __future__ import annotations

from dataclasses import replace

from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import CheckStatus, Finding

EVIDENCE_LIMIT = 4000


def _finding(status: CheckStatus, message: str, fix: str, evidence: str, failure: FailureCode | None = None) -> Finding:
    return Finding("", status, message, fix, evidence.strip()[:EVIDENCE_LIMIT], failure)


def ok(message: str, evidence: str = "") -> Finding:
    return _finding(CheckStatus.OK, message, "", evidence)


def warn(message: str, fix: str = "", evidence: str = "") -> Finding:
    return _finding(CheckStatus.WARNING, message, fix, evidence)


def fail(message: str, fix: str = "", evidence: str = "") -> Finding:
    """A fault that no run is refused for: of the installation itself."""
    return _finding(CheckStatus.FAILED, message, fix, evidence)


def refuse(failure: FailureCode, message: str, fix: str = "", evidence: str = "") -> Finding:
    """A finding that refuses the backup; ``failure`` is the code the run gets."""
    return _finding(CheckStatus.FAILED, message, fix, evidence, failure)


def measured(finding: Finding, **data: str | int) -> Finding:
    """The finding with what it measured, for programs."""
    return replace(finding, data=data)


def named(check: str, finding: Finding) -> Finding:
    """The finding with the name of its check, where no engine puts it on."""
    return replace(finding, check=check)


def trouble(error: NimwrapError) -> Finding:
    """The finding of a master that could not be asked; it refuses with the error's own code."""
    return named("master", refuse(FailureCode.of(error.code), error.message, error.hint))


def skip(reason: str, evidence: str = "") -> Finding:
    """The check could not be made, or does not apply; never to be read as ok."""
    return _finding(CheckStatus.SKIPPED, reason, "", evidence)
