"""One attempt: planned and written down, started detached, followed, concluded, recorded."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass, replace

from nimwrap.backup import spool
from nimwrap.backup.conclude import Concluded, conclude, denied_from
from nimwrap.backup.context import Interrupted, Site, Unstarted
from nimwrap.backup.locking import lock_lost, owner_text
from nimwrap.backup.methods import NIM, Work, command_and_undo
from nimwrap.backup.operation import Start, Started, StartUnknown, follow, start
from nimwrap.backup.plan import AttemptPlan
from nimwrap.backup.state import Look
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import Attempt, ChangeState, Image, SourceAddress
from nimwrap.hosts.questions import PREAMBLE
from nimwrap.preflight.engine import recheck_source
from nimwrap.preflight.report import PreflightReport

SLOT_WAIT_S = 5


class AtLarge(Exception):  # noqa: N818  it is nobody's error yet
    """The operation was started, and its end could not be seen or written down: only recover may end the run."""

    def __init__(self, cause: NimwrapError) -> None:
        super().__init__(cause.message)
        self.cause = cause


@dataclass(frozen=True)
class Attempted:
    attempt: Attempt
    outcome: Outcome
    failure: Failure | None
    image: Image | None = None


def make(site: Site, report: PreflightReport, work: Work, plan: AttemptPlan) -> Attempted:
    """Make one image by ``plan`` and follow it to its end. No act without its rows first.

    Raises AtLarge when master or history was lost after the start, Unstarted when we were told to leave before it.
    """
    attempt = Attempt(plan.number, site.clock.now(), remedy=None if plan.method == NIM else plan.method)
    site.store.begin_attempt(plan.run, attempt, location=plan.location, resource=plan.resource)
    if plan.exported is not None:
        change = site.store.plan_change(
            plan.run, plan.master, plan.exported, added=list(plan.added), before=plan.before, at=attempt.started
        )
        plan = replace(plan, change=change)
    site.store.event(
        "plan",
        f"attempt {plan.number}: {plan.method}",
        run=plan.run,
        master=plan.master,
        data=plan.to_json(),
        at=attempt.started,
    )
    command, undo = command_and_undo(site, plan, work)
    try:
        refused = _start(site, plan, command, undo)
    except StartUnknown as error:
        raise AtLarge(error) from error
    except Interrupted as left:
        _not_started(site, plan, attempt, Failure(FailureCode.CANCELLED, "told to leave before the start"))
        raise Unstarted from left
    except NimwrapError as error:
        refused = failure_of(error)
    if refused is not None:
        return _not_started(site, plan, attempt, refused)
    try:
        site.store.update_run(plan.run, phase="image", remedy=attempt.remedy)
        attempted = record(site, plan, follow(site, plan), attempt)
    except NimwrapError as error:
        raise AtLarge(error) from error
    if attempted.failure is not None and attempted.failure.code is FailureCode.EXPORT_DENIED:
        # Once more after a denial: the address moves with a failover.
        with suppress(NimwrapError):
            now = recheck_source(site.host, site.master, report)
            expected = SourceAddress(report.source_address.expected, now.actual, now.method)
            attempted = replace(attempted, failure=denied_from(attempted.failure, expected))
    return attempted


def failure_of(error: NimwrapError) -> Failure:
    """An error as the failure of a run."""
    return Failure(FailureCode.of(error.code), error.message, error.hint)


def unstarted(why: str) -> Failure:
    """The failure of a run that ended, as ``why`` says, with nothing to follow: its slot may be taken again."""
    message = f"{why} before an operation was started; nothing was changed"
    return Failure(FailureCode.KILLED, message, "start the backup again")


def _start(site: Site, plan: AttemptPlan, command: str, undo: str | None) -> Failure | None:
    """Start the operation, waiting for a slot while others use them all."""
    cleared = False
    while True:
        site.clock.before_start()
        started = start(site, plan, command, undo, owner_text())
        if started.state is Start.STARTED:
            return None
        if started.state is Start.LOST:
            return lock_lost(site, plan.client, plan.run)
        if started.state is Start.EXISTS and not cleared:
            # An earlier attempt was concluded, and the line was cut before its room could be cleared.
            site.host.run(spool.reset_room(plan))
            cleared = True
        elif started.state is Start.BUSY:
            site.tell(Progress(plan.run, "waiting", plan.client, note="all image slots of this master are taken"))
            site.clock.sleep(SLOT_WAIT_S)
        else:
            return _no_start(plan, started)


def _no_start(plan: AttemptPlan, started: Started) -> Failure:
    if started.state is Start.EXISTS:
        why, fix = f"{plan.room} on {plan.master} still holds an earlier attempt", "nimwrap recover, then start again"
    else:
        why = started.text.splitlines()[0]
        fix = f"make sure {plan.spool} on {plan.master} can be written and has space"
    return Failure(FailureCode.UNKNOWN, f"the operation could not be started: {why}", fix, started.text)


def _not_started(site: Site, plan: AttemptPlan, attempt: Attempt, failure: Failure) -> Attempted:
    if plan.change is not None:
        site.store.change_ended(plan.change, ChangeState.REVERTED, site.clock.now(), "never applied")
    ended = replace(attempt, ended=site.clock.now(), failure_code=failure.code)
    site.store.end_attempt(plan.run, ended, output=failure.evidence)
    return Attempted(ended, Outcome.LOCKED if failure.code is FailureCode.LOCKED else Outcome.FAILED, failure)


def record(site: Site, plan: AttemptPlan, done: Look, attempt: Attempt) -> Attempted:
    """Conclude a finished operation and write down what came of it; also what a later process calls."""
    site.tell(Progress(plan.run, "proof", plan.client, size_bytes=done.size))
    concluded = conclude(site, plan, done)
    failure = concluded.failure
    ended = replace(
        attempt, ended=site.clock.now(), returncode=done.returncode, failure_code=failure.code if failure else None
    )
    site.store.end_attempt(plan.run, ended, output=done.output)
    image = _record_image(site, plan, concluded) if concluded.outcome is not Outcome.FAILED else None
    for left in concluded.left:
        site.note(plan.run, "leftover", left)
    _empty_room(site, plan, concluded, failed=image is None)
    return Attempted(ended, concluded.outcome, failure, image)


def _empty_room(site: Site, plan: AttemptPlan, concluded: Concluded, *, failed: bool) -> None:
    """After a failure the slot is free and the room gone; what still waits to be cleaned is put aside for recover,
    with the Cstate of the client, so that recover can tell whether another operation has come since.

    After a success the room stays until the run is closed: until then it is the only other record of it.
    """
    room, aside = shlex.quote(plan.room), shlex.quote(f"{plan.room}.left-{plan.number}")
    if concluded.left or concluded.open_change:
        keep = f"echo {shlex.quote(concluded.stuck)} > {room}/cstate; mv {room} {aside}\n"
        site.host.run(f"{PREAMBLE}{spool.free_slots_script(plan.spool, plan.run)}{keep}")
    elif failed:
        site.host.run(spool.reset_room(plan))


def _record_image(site: Site, plan: AttemptPlan, concluded: Concluded) -> Image:
    proof = concluded.proof
    assert proof is not None  # noqa: S101  an attempt that did not fail was proven
    now = site.clock.now()
    resource = plan.resource if concluded.defined else ""
    image_id = site.store.add_image(
        run=plan.run,
        client=plan.client,
        master=plan.master,
        kind=plan.kind,
        resource=resource or None,
        location=proof.location,
        size_bytes=proof.size_bytes,
        outcome=concluded.outcome,
        verified=proof.good,
        verified_by=list(proof.verified_by),
        verified_at=now,
        node=proof.node,
        machine_id=proof.machine_id,
        oslevel=proof.oslevel,
        file_count=proof.file_count,
        cksum=proof.cksum,
        created=now,
        fault=None,
    )
    site.store.update_run(plan.run, image=image_id)
    return Image(resource, proof.location, proof.size_bytes, proof.good, proof.verified_by, image_id)
