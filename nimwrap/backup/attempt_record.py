"""The end of an attempt as rows: how its operation ended, and the image that it made."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nimwrap.backup.finalize import AttemptOutcome
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Attempt, Image
from nimwrap.domain.retention import CLOCK_TOLERANCE
from nimwrap.images.image_fault import fault_columns
from nimwrap.images.sightings import identity_columns
from nimwrap.master_context import MasterContext

LATE = timedelta(hours=2)
"""An end that is written down so long after it was is dated by the master; before that it includes the proof."""
_JOB_WAY = re.compile(r"^nw_job_(lost|way)=(\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class AttemptResult:
    attempt: Attempt
    outcome: Outcome
    failure: Failure | None
    image: Image | None = None


def unstarted(why: str) -> Failure:
    """The failure of a run that ended, as ``why`` says, with nothing to follow: its slot may be taken again."""
    message = f"{why} before an operation was started; nothing was changed"
    return Failure(FailureCode.KILLED, message, "start the backup again")


def record(
    context: MasterContext, plan: AttemptPlan, done: OperationStatus, judged: AttemptOutcome, attempt: Attempt
) -> AttemptResult:
    """Write down what came of a judged operation; also what a later process calls."""
    failure, now = judged.failure, context.clock.now()
    made = time_of_end(done, now)
    ended = replace(
        attempt,
        ended=max(attempt.started, made) if now - made > LATE else now,
        returncode=done.returncode,
        failure_code=failure.code if failure else None,
    )
    context.store.end_attempt(plan.run, ended, output=done.output)
    _remember_ways(context, plan, done.output)
    image = _record_image(context, plan, judged, made) if judged.good else None
    return AttemptResult(ended, judged.outcome, failure, image)


def time_of_end(done: OperationStatus, now: datetime) -> datetime:
    """When the image was done, by the master's own clock, whoever comes to hear of it whenever; else now.

    Two clocks that are kept right may differ by a little: then nothing is dated after now.
    """
    if done.ended_at is None:
        return now
    return min(done.ended_at, now) if done.ended_at - now < CLOCK_TOLERANCE else done.ended_at


def _remember_ways(context: MasterContext, plan: AttemptPlan, output: str) -> None:
    """What the operation saw of the ways to start a job, once one of them failed; the next run begins with the best."""
    seen = [match.groups() for match in _JOB_WAY.finditer(output)]
    if any(what == "lost" for what, _ in seen):
        with suppress(NimwrapError):
            for what, way in seen:
                context.store.remember_job_way(plan.master, way, context.clock.now(), lost=what == "lost")


def _record_image(context: MasterContext, plan: AttemptPlan, judged: AttemptOutcome, made: datetime) -> Image:
    proof = judged.proof
    assert proof is not None  # noqa: S101  an attempt that did not fail was proven
    now = context.clock.now()
    resource = plan.resource if judged.defined else ""
    image_id = context.store.add_image(
        run=plan.run,
        client=plan.client,
        master=plan.master,
        kind=plan.kind,
        resource=resource or None,
        location=proof.location,
        size_bytes=proof.size_bytes,
        outcome=judged.outcome,
        verified=proof.good,
        verified_by=list(proof.verified_by),
        verified_at=now,
        node=proof.node,
        machine_id=proof.machine_id,
        oslevel=proof.oslevel,
        file_count=proof.file_count,
        cksum=proof.cksum,
        created=made,
        **fault_columns(None),
        **(identity_columns(proof.identity) if proof.identity else {}),
    )
    context.store.update_run(plan.run, image=image_id)
    return Image(resource, proof.location, proof.size_bytes, proof.good, proof.verified_by, image_id)
