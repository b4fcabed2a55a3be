"""From a finished operation to a proven image in its place: a good image is never lost over what comes after it.

First the file is proven where it was made; then, for what nimwrap defines itself, it is moved and made a resource. When
NIM refuses that, the image is kept where it lies, and the run warns.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from nimwrap.aix.classify import classify
from nimwrap.aix.nim import completed
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.place_image import BUSY, put_in_place
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import master_unreachable
from nimwrap.domain.findings import Failure
from nimwrap.hosts.script_batch import Question
from nimwrap.images import image_probe as images
from nimwrap.images.earlier_images import earlier
from nimwrap.images.kinds.base import ImageNames
from nimwrap.images.kinds.registry import KINDS
from nimwrap.images.verification import Expectation, Proof, prove
from nimwrap.master_context import MasterContext

READ_TO_ITS_END = frozenset({"evidence", "timed_out"})
"""How an operation was ended that may have made a whole image without coming to say so (0512-038)."""


@dataclass(frozen=True)
class Published:
    """``defined``: the resource that was planned stands for the image; else it has none."""

    outcome: Outcome
    failure: Failure | None
    proof: Proof
    defined: bool = True


def verify_and_publish(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> Published:
    """The verdict on what the operation has made. Raises NimwrapError when the master is lost on the way."""
    proven = _proven(context, plan, look, ours=plan.staging is not None or not KINDS[plan.kind].defines_itself)
    if proven.outcome is Outcome.FAILED or (look.returncode == 0 and not _without_word(look)):
        return proven
    return replace(proven, outcome=Outcome.WARNING, failure=proven.failure or _by_evidence(look))


def _proven(context: MasterContext, plan: AttemptPlan, look: OperationStatus, *, ours: bool) -> Published:
    """``ours``: nimwrap defines the image; NIM has not, or did not come to it."""
    ours = ours or look.returncode != 0
    expected = _expectation(context, plan, look)
    if plan.staging is not None:
        expected = replace(expected, location=_lies_at(context, plan))
    elif plan.env and not ours and plan.resource:
        expected = replace(expected, location=images.real_location(context.host, plan.resource) or plan.staged)
    proof = prove(context.host, expected if ours else replace(expected, resource=plan.resource or None))
    if not ours and proof.failure is not None and proof.failure.code is FailureCode.NIM_REFUSED:
        # nim came back without a word of it, but its resource is not there: the image may be good all the same.
        return _proven(context, plan, look, ours=True)
    if proof.outcome is Outcome.FAILED or not ours:
        return Published(proof.outcome, proof.failure, proof)
    return _placed(context, plan, expected, proof)


def _expectation(context: MasterContext, plan: AttemptPlan, look: OperationStatus) -> Expectation:
    before = earlier(context.queries, plan.master, plan.client, plan.kind, resource=plan.resource or None, run=plan.run)
    return Expectation(
        kind=plan.kind,
        location=plan.staged,
        resource=None,
        node=plan.node,
        machine_id=plan.machine_id,
        output=look.output,
        sizes=before.sizes,
        file_counts=before.file_counts,
        # A status other than 0 beside 0512-038 is no verdict on the image: the evidence is, and the run warns.
        returncode=0 if look.returncode == 0 else None,
        by_reading=_without_word(look),
    )


def _without_word(look: OperationStatus) -> bool:
    """True when the operation was ended, whatever its status then, before it had said that it was done."""
    return look.ended_by in READ_TO_ITS_END and not completed(look.output)


def _placed(context: MasterContext, plan: AttemptPlan, expected: Expectation, proof: Proof) -> Published:
    """The proven image, moved to its place and defined; kept where it lies when that is refused."""
    placed = put_in_place(context, plan)
    if placed.unknown or placed.returncode == BUSY:
        raise master_unreachable(
            f"the connection to {plan.master} was lost while the image was put in its place",
            "nimwrap recover goes on from there",
        )
    if placed.failed:
        where = _lies_at(context, plan)
        refused = classify((placed.stdout + placed.stderr).strip(), placed.returncode)
        return Published(
            Outcome.WARNING, _undefined(plan, where, refused), replace(proof, location=where), defined=False
        )
    at_place = replace(expected, location=plan.location, resource=plan.resource or None, thorough=False)
    there = prove(context.host, at_place)
    if there.failure is not None and there.failure.code is FailureCode.NIM_REFUSED:
        refused = _undefined(plan, plan.location, there.failure)
        return Published(
            Outcome.WARNING, refused, replace(proof, location=plan.location, identity=there.identity), defined=False
        )
    by = tuple(dict.fromkeys((*proof.verified_by, *there.verified_by)))
    there = replace(there, cksum=proof.cksum, verified_by=by if there.good else ())
    return Published(there.outcome, there.failure, there)


def _undefined(plan: AttemptPlan, where: str, refused: Failure) -> Failure:
    """The warning about a good image that NIM does not know, with the commands that make it known."""
    define = KINDS[plan.kind].define(ImageNames(plan.resource or None, plan.location))
    move = (
        []
        if where == plan.location
        else [f"mkdir -p {shlex.quote(plan.location.rpartition('/')[0])}", shlex.join(["mv", where, plan.location])]
    )
    commands = " && ".join([*move, *([shlex.join(define)] if define else [])])
    return Failure(
        FailureCode.NIM_REFUSED if refused.code is FailureCode.UNKNOWN else refused.code,
        f"the image is complete and proven, but it is no NIM resource: {refused.message}",
        f"it is kept at {where}, and it counts; on the master, when the reason is gone: {commands}",
        refused.evidence,
    )


def _lies_at(context: MasterContext, plan: AttemptPlan) -> str:
    """Where the image is: where it was made, or in its place, if an earlier process has moved it there already."""
    staged, location = shlex.quote(plan.staged), shlex.quote(plan.location)
    moved = Question("moved", f"if [ -f {staged} ]; then echo no; elif [ -f {location} ]; then echo yes; fi")
    return plan.location if "yes" in images.ask(context.host, [moved])["moved"].output.split() else plan.staged


def _by_evidence(look: OperationStatus) -> Failure:
    codes = {"evidence": FailureCode.STALLED, "timed_out": FailureCode.TIMED_OUT}
    how = "never returned and was ended" if look.ended_by in codes else f"returned {look.returncode}"
    if not completed(look.output):
        how += "; 0512-038 was not seen, and the image was read to its end instead"
    return Failure(
        codes.get(look.ended_by or "", FailureCode.UNKNOWN),
        f"the image is complete and proven, but the operation {how}",
        "the image is kept and counts; see `nimwrap explain stalled` for what usually holds nim up",
        look.output[-2000:],
    )
