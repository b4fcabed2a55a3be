"""What a run says of itself when it goes no further, beside what its attempts and its preflight say."""

from __future__ import annotations

from collections.abc import Sequence

from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Run
from nimwrap.preflight.preflight_report import PreflightReport


def moved(run: Run, actual: str) -> Failure:
    """The address changed between preflight and mount: a failover is under way, and facts are wrong by now."""
    return Failure(
        FailureCode.SOURCE_ADDRESS_MISMATCH,
        f"{run.client} now leaves from {actual}; at preflight it was {run.source_address.actual}",
        "a failover seems to be under way; nimwrap tries again when it may have settled",
    )


def exhausted(run: Run, tried: Sequence[str]) -> Failure:
    """No way to let the client in is left."""
    return Failure(
        FailureCode.SOURCE_ADDRESS_MISMATCH,
        f"every way to let {run.client} in was tried: {', '.join(tried)}",
        "the lasting cure is the address order on the client; see `nimwrap explain source_address_mismatch`",
    )


def with_cure(failure: Failure, report: PreflightReport) -> Failure:
    """The preflight's own words about the addresses, when it refuses for them now."""
    cure = report.failure
    return cure if cure is not None and cure.code is FailureCode.SOURCE_ADDRESS_MISMATCH else failure
