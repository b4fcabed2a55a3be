"""What a drill is made of, whatever its level: one detached job on the master, a judgement, and what clears it away."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from nimwrap.config.model import SandboxConfig
from nimwrap.domain.findings import Failure
from nimwrap.history.installation import installation_id
from nimwrap.history.model import ImageRow
from nimwrap.jobs.detached_job import DetachedJob, JobStatus
from nimwrap.master_context import MasterContext

FOLDER = "drills"
NO_SANDBOX = SandboxConfig("")
"""Of levels that need none."""


class DrillOutcome(StrEnum):
    """What ``drills.outcome`` may be."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True)
class DrillWork:
    """One drill as it stands in the history under ``number``, on the image's master."""

    context: MasterContext
    row: ImageRow
    number: int
    sandbox: SandboxConfig = NO_SANDBOX

    @property
    def job_name(self) -> str:
        """A name of its own also where several nimwraps work with one master."""
        return f"drill-{installation_id(self.context.config.state_dir)[:8]}-{self.number}"


@dataclass(frozen=True)
class DrillEnd:
    """What came of it. ``failure`` None: the image came back."""

    failure: Failure | None
    evidence: tuple[str, ...] = ()


class DrillLevel(Protocol):
    """One level of drills; a file each."""

    name: str
    needs: str
    """The key that a sandbox must have for it; empty where none is needed."""

    def job(self, work: DrillWork) -> DetachedJob:
        """All of it as one job on the master, which goes on when we are gone."""

    def judge(self, work: DrillWork, status: JobStatus) -> DrillEnd:
        """What the end of the job proves."""

    def clear(self, work: DrillWork) -> str:
        """Take away what it left beside its job's directory; why something stays, empty when nothing does."""
