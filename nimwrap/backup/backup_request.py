"""What one run is asked for, what a round of it answers, and its name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from nimwrap.domain.codes import Outcome
from nimwrap.domain.findings import Failure
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.records import ClientRef
from nimwrap.preflight.preflight_report import Prior


@dataclass(frozen=True)
class BackupRequest:
    """One backup as asked for. ``slot`` is the schedule's due time; ``retry_refusals``: nobody waits for an answer at a
    terminal; ``patient``: it may wait for a lock of somebody else's, or for its master, as the runs of a fleet do."""

    ref: ClientRef
    kind: str = PLAIN_KIND
    volume_group: str = ""
    schedule: str | None = None
    slot: datetime | None = None
    retry_refusals: bool = False
    patient: bool = False
    prior: Prior = field(default_factory=Prior)


@dataclass(frozen=True)
class RetryLater:
    """Try the run again after ``wait_s`` seconds, because of ``failure``; without that it ends with ``outcome``."""

    wait_s: float
    failure: Failure
    outcome: Outcome = Outcome.FAILED


def new_run_id(client: str, now: datetime) -> str:
    """Sortable, short, safe as a directory name: ``20261123T010203-powerha1-4f2a``."""
    return f"{now:%Y%m%dT%H%M%S}-{client[:20]}-{secrets.token_hex(2)}"
