"""One copy: made detached, read back at the far end, and called ``ok`` only when its checksum is the image's own.

Each step is found done or done again, so that a copy that was interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nimwrap.copies.base import CopyKind, CopyOrder
from nimwrap.copies.checksum_text import Sums, difference, parse_sums, stored_sums, together
from nimwrap.copies.copy_plan import CopyState, PlannedCopy
from nimwrap.copies.registry import KINDS
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.findings import Failure
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.hooks.hooks_elsewhere import run_copied
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.script_batch import ENDED, PREAMBLE
from nimwrap.jobs.detached_job import DetachedJob, JobState, JobStatus, clear_job, look_at, run_job
from nimwrap.locks.client_locks import client_locked
from nimwrap.locks.lock_scripts import said
from nimwrap.master_context import MasterContext

_SHORT_S = 300
NOTHING_READ = Sums()


@dataclass(frozen=True)
class CopyResult:
    """What came of one copy. ``failure`` None: it is proven. ``skipped``: nothing was begun."""

    planned: PlannedCopy
    location: str
    failure: Failure | None = None
    skipped: bool = False


@dataclass(frozen=True)
class CopyWork:
    """One order with its kind, on its master."""

    context: MasterContext
    order: CopyOrder
    kind: CopyKind

    def job(self, step: str, text: str) -> DetachedJob:
        return DetachedJob("copies", f"{self.order.room}.{step}", text, self.order.place.timeout)

    @property
    def making(self) -> DetachedJob:
        return self.job("make", self.kind.make(self.order))

    def checking(self, *, draft: bool) -> DetachedJob:
        return self.job("check" if draft else "verify", self.kind.check(self.order, draft=draft))

    def short(self, text: str) -> CommandResult:
        """A step without a job. Raises ``master_unreachable`` when nobody knows whether it was done."""
        result = self.context.host.run(PREAMBLE + text, timeout=_SHORT_S)
        if result.unknown:
            raise master_unreachable(
                f"the connection to {self.context.host.name} was lost while {self.order.name} was copied",
                "nimwrap images copy goes on with it",
            )
        return result


def work_on(context: MasterContext, planned: PlannedCopy, copies: Sequence[CopyRow]) -> CopyWork:
    """The order for one image and place, with the checksums that are known of the image."""
    row = planned.row
    known = Sums(crc=row.cksum or "")
    for copy in copies:
        if copy.image == row.id and copy.made:
            known = together(known, stored_sums(copy.checksum))
    return CopyWork(context, CopyOrder(row, planned.place, known), KINDS[planned.place.kind])


def make_copy(context: MasterContext, planned: PlannedCopy, copies: Sequence[CopyRow]) -> CopyResult:
    """Copy one proven image under its client's lock. Raises Interrupted when told to leave; the copy goes on."""
    row = planned.row
    foreseen = work_on(context, planned, copies)
    location = foreseen.kind.location(foreseen.order)
    with client_locked(context, row.client, "copy") as locked:
        if isinstance(locked, Failure):
            return CopyResult(planned, location, locked, skipped=True)
        work = replace(foreseen, context=locked)
        try:
            copy = context.store.begin_copy(row, planned.place.name, work.kind.name, location, context.clock.now())
            why = _made(work, copy)
            if why is not None:
                give_up(work, copy, why)
        except NimwrapError as error:
            return CopyResult(planned, location, Failure(FailureCode.of(error.code), error.message, error.hint))
    if why is None:
        return CopyResult(planned, location)
    fix = "see the place and its room; the next run, or `nimwrap images copy`, begins it anew"
    return CopyResult(planned, location, Failure(FailureCode.COPY_FAILED, f"{location}: {why}", fix))


def _made(work: CopyWork, copy: CopyRow) -> str | None:
    """Why there is no proven copy; None when there is one, and its row says so."""
    draft, there = _lies(work)
    if there is not None and copy.made is None:
        found = read_back(work)
        if found.ok:
            _record(work, copy, together(found.sums, work.order.known))
        return None if found.ok else f"what lies there was left alone: {found.why}"
    if draft is None and work.kind.looks and look_at(work.context, work.making).state is JobState.DONE:
        clear_job(work.context, work.making)
        clear_job(work.context, work.checking(draft=True))
    made = run_job(work.context, work.making)
    if not made.done_well:
        return made.reason
    own = parse_sums(made.output)
    if work.order.known.crc and own.crc and own.crc != work.order.known.crc:
        return f"the image has the checksum {own.crc}, it was proven with {work.order.known.crc}"
    work = replace(work, order=replace(work.order, known=together(work.order.known, own)))
    checked = run_job(work.context, work.checking(draft=True))
    if why := _differs(work, checked):
        return why
    published = work.short(work.kind.publish(work.order, replacing=copy.made is not None))
    if published.failed:  # `short` raises where nobody knows
        return _said(published)
    _record(work, copy, together(parse_sums(checked.output), work.order.known))
    return None


def bytes_there(work: CopyWork) -> int | None:
    """The size of a finished copy as it lies there now, None for none."""
    return _lies(work)[1]


def _lies(work: CopyWork) -> tuple[int | None, int | None]:
    """The bytes of a draft and of a copy that are there, None for none."""
    if not work.kind.looks:
        return None, None
    result = work.short(work.kind.look(work.order))
    told = {line.split()[0]: line.split()[1:] for line in said(result.stdout) if line.split()}
    if "seen" not in told:
        raise NimwrapError(f"{work.context.host.name} does not say what lies at {work.kind.location(work.order)}")
    sizes = [int(told[name][0]) if told.get(name) else None for name in ("draft", "copy")]
    return sizes[0], sizes[1]


def _differs(work: CopyWork, checked: JobStatus) -> str | None:
    """Why what was read back is not the image."""
    if not checked.done_well:
        return f"it could not be read back: {checked.reason}"
    return difference(work.order.known, parse_sums(checked.output))


@dataclass(frozen=True)
class ReadBack:
    """``ok`` None: reading it did not come to an end, so nothing is known; ``why`` where it is not ok."""

    ok: bool | None
    why: str = ""
    sums: Sums = NOTHING_READ


def read_back(work: CopyWork) -> ReadBack:
    """Whether a finished copy is the image: as it is now, not as an earlier job found it."""
    job = work.checking(draft=False)
    clear_job(work.context, job)
    checked = run_job(work.context, job)
    clear_job(work.context, job)
    why = _differs(work, checked)
    unknown = checked.state is not JobState.DONE or checked.returncode in ENDED
    return ReadBack(None if unknown else why is None, why or "", parse_sums(checked.output))


def _record(work: CopyWork, copy: CopyRow, sums: Sums) -> None:
    _clear(work)  # before the row says that all is done: nobody would look for it afterwards
    now = work.context.clock.now()
    work.context.store.update_copy(
        copy.id, state=CopyState.OK, reason=None, checksum=sums.text, made=now, verified_at=now
    )
    _note(work.context, work.order.row, f"copied to {copy.name}: {copy.location}, {sums.text}", proven=True)
    run_copied(work.context, work.order.row, copy)


def give_up(work: CopyWork, copy: CopyRow, why: str) -> None:
    """Nothing half is left, and the row says why."""
    work.short(work.kind.abandon(work.order))
    _clear(work)
    work.context.store.update_copy(copy.id, state=CopyState.FAILED, reason=why)
    _note(work.context, work.order.row, f"copy to {copy.name} failed: {why}")


def _clear(work: CopyWork) -> None:
    for job in (work.making, work.checking(draft=True)):
        clear_job(work.context, job)


def _note(context: MasterContext, row: ImageRow, text: str, *, proven: bool = False) -> None:
    name = row.resource or row.location
    act = Act("copy", ActName.COPY, name)
    context.note(row.run, act if proven else "copy", f"{name} {text}", {"image": row.id})


def _said(result: CommandResult) -> str:
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    return lines[-1] if lines else f"status {result.returncode}"
