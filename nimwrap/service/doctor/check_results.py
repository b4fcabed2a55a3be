"""What one check of the doctor says."""

from __future__ import annotations

from nimwrap.domain.findings import CheckStatus, Finding


def ok(check: str, message: str) -> Finding:
    return Finding(check, CheckStatus.OK, message)


def skipped(check: str, message: str) -> Finding:
    """Not looked at, and nothing depends on it now."""
    return Finding(check, CheckStatus.SKIPPED, message)


def warning(check: str, message: str, fix: str) -> Finding:
    return Finding(check, CheckStatus.WARNING, message, fix)


def failed(check: str, message: str, fix: str) -> Finding:
    return Finding(check, CheckStatus.FAILED, message, fix)
