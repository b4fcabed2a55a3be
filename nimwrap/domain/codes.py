"""The stable words of the interface: outcomes, failure codes, exit codes (INTERFACE sections 3 and 4)."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """How a run ended; ``running`` until it has."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    REFUSED = "refused"
    SKIPPED = "skipped"
    LOCKED = "locked"
    RUNNING = "running"


class FailureCode(StrEnum):
    """Why a run is not ``ok``. The order is nearness to the cause: of several, the first one is the failure."""

    MASTER_UNREACHABLE = "master_unreachable"
    HOST_KEY_CHANGED = "host_key_changed"
    LOGIN_REFUSED = "login_refused"
    CLIENT_UNKNOWN = "client_unknown"
    NAME_INVALID = "name_invalid"
    HELD = "held"
    EXCLUDED = "excluded"
    OUTSIDE_WINDOW = "outside_window"
    LOCKED = "locked"
    CLIENT_UNREACHABLE = "client_unreachable"
    CLIENT_IDENTITY = "client_identity"
    CHANNEL_NARROW = "channel_narrow"
    CLIENT_BUSY = "client_busy"
    CLUSTER_UNSTABLE = "cluster_unstable"
    ROOTVG_LOCKED = "rootvg_locked"
    SOURCE_ADDRESS_MISMATCH = "source_address_mismatch"
    EXPORT_CONFLICT = "export_conflict"
    EXPORT_DENIED = "export_denied"
    WRITE_DENIED = "write_denied"
    SPACE_SHORT = "space_short"
    NIM_REFUSED = "nim_refused"
    CANCELLED = "cancelled"
    KILLED = "killed"
    CLIENT_JOB_LOST = "client_job_lost"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    IMAGE_MISSING = "image_missing"
    IMAGE_TRUNCATED = "image_truncated"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_WRONG_HOST = "image_wrong_host"
    ARCHIVE_WARNING = "archive_warning"
    HOOK_FAILED = "hook_failed"
    COPY_FAILED = "copy_failed"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, text: str) -> FailureCode:
        """The code that ``text`` is, ``unknown`` where it is none of them (``usage``, say)."""
        return cls(text) if text in set(cls) else cls.UNKNOWN


NEARNESS: dict[FailureCode, int] = {code: rank for rank, code in enumerate(FailureCode)}

CAN_PASS: frozenset[FailureCode] = frozenset(
    {
        FailureCode.MASTER_UNREACHABLE,
        FailureCode.CLIENT_UNREACHABLE,
        FailureCode.CLIENT_BUSY,
        FailureCode.CLUSTER_UNSTABLE,
        FailureCode.ROOTVG_LOCKED,
        FailureCode.SOURCE_ADDRESS_MISMATCH,
        FailureCode.EXPORT_CONFLICT,
        FailureCode.EXPORT_DENIED,
    }
)
"""Failures that may be gone at the next attempt. All others are final for the run."""

SET_ASIDE: frozenset[FailureCode] = frozenset({FailureCode.HELD, FailureCode.EXCLUDED})
"""Not failures: somebody wanted the client left out."""

MASTER_TROUBLE: frozenset[FailureCode] = frozenset(
    {FailureCode.MASTER_UNREACHABLE, FailureCode.HOST_KEY_CHANGED, FailureCode.LOGIN_REFUSED}
)


class ExitCode(IntEnum):
    """INTERFACE section 3. A code that is not named here means failure."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    REFUSED = 10
    LOCKED = 11
    MASTER = 12
    SKIPPED = 75
    CONFIG = 78
    INTERRUPTED = 130
    TERMINATED = 143


_BY_OUTCOME: dict[Outcome, ExitCode] = {
    Outcome.OK: ExitCode.OK,
    Outcome.WARNING: ExitCode.PARTIAL,
    Outcome.REFUSED: ExitCode.REFUSED,
    Outcome.LOCKED: ExitCode.LOCKED,
    Outcome.SKIPPED: ExitCode.SKIPPED,
}


def exit_code_of_run(outcome: Outcome, failure: FailureCode | None) -> ExitCode:
    """The exit code of one run alone; trouble with the master outranks the outcome's own code."""
    if failure in MASTER_TROUBLE:
        return ExitCode.MASTER
    return _BY_OUTCOME.get(outcome, ExitCode.FAILED)


def exit_code_of_runs(runs: list[tuple[Outcome, FailureCode | None, bool]]) -> ExitCode:
    """The exit code of a whole command, from (outcome, failure, whether the client counts) of each run.

    Held and excluded clients that were not asked for by name do not count. With an image made, anything
    but ``ok`` makes it partial; without one, the code that all share, else 1.
    """
    counted = [(outcome, exit_code_of_run(outcome, failure)) for outcome, failure, counts in runs if counts]
    if all(outcome is Outcome.OK for outcome, _ in counted):
        return ExitCode.OK
    if any(outcome in (Outcome.OK, Outcome.WARNING) for outcome, _ in counted):
        return ExitCode.PARTIAL
    shared = {code for _, code in counted}
    return shared.pop() if len(shared) == 1 else ExitCode.FAILED
