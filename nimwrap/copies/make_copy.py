"""One copy: made detached, read back at the far end, and called ``ok`` only when its checksum is the image's own.

Each step is found done or done again, so that a copy that was interrupted goes on where it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nimwrap.config.model import Config
from nimwrap.copies.base import CopyKind, CopyOrder
from nimwrap.copies.checksum_text import SUMS, Sums, difference, parse_sums, stored_sums, together
from nimwrap.copies.control_copy import check_here, store_here
from nimwrap.copies.copy_kit import beside_copies, within_store
from nimwrap.copies.copy_plan import CopyState, PlannedCopy
from nimwrap.copies.registry import kind_at
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.findings import Failure
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.hooks.hooks_elsewhere import run_copied
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.script_batch import ENDED, PREAMBLE
from nimwrap.images.kit.kit_files import KitSource
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

    def made(self) -> JobStatus:
        """Bring all of the image there, or take up what was begun."""
        if not self.kind.here:
            return run_job(self.context, self.making)
        if self.order.known.sha256 or not any("{checksum}" in word for word in self.order.place.store):
            return store_here(self.context, self.order)
        counting = self.job("sums", f"{SUMS}sums {shlex.quote(self.order.row.location)}\n")
        counted = run_job(self.context, counting)
        clear_job(self.context, counting)
        known = together(self.order.known, parse_sums(counted.output))
        return store_here(self.context, replace(self.order, known=known)) if counted.done_well else counted

    def checked(self, *, draft: bool) -> JobStatus:
        """Read back what lies there."""
        return check_here(self.order) if self.kind.here else run_job(self.context, self.checking(draft=draft))

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
    """The order for one image and place, and its kind."""
    return CopyWork(context, copy_order(context.config, planned, copies), kind_at(planned.place))


def copy_order(config: Config, planned: PlannedCopy, copies: Sequence[CopyRow]) -> CopyOrder:
    """The order for one image and place, with the checksums that are known of the image."""
    row = planned.row
    known = Sums(crc=row.cksum or "")
    for copy in copies:
        if copy.image == row.id and copy.made:
            known = together(known, stored_sums(copy.checksum))
    return CopyOrder(row, planned.place, known, config.masters.get(planned.place.to))


def make_copy(context: MasterContext, planned: PlannedCopy, copies: Sequence[CopyRow]) -> CopyResult:
    """Copy one proven image under its client's lock. Raises Interrupted when told to leave; the copy goes on."""
    row = planned.row
    foreseen = work_on(context, planned, copies)
    location = foreseen.kind.location(foreseen.order)
    with client_locked(context, row.client, "copy") as locked:
        if isinstance(locked, Failure):
            return CopyResult(planned, location, locked, skipped=True)
        work = with_kit(replace(foreseen, context=locked))
        try:
            copy = context.store.begin_copy(row, planned.place.name, work.kind.name, location, context.clock.now())
            why = _made_or_refused(work, copy)
            if why is not None:
                give_up(work, copy, why)
        except NimwrapError as error:
            return CopyResult(planned, location, Failure(FailureCode.of(error.code), error.message, error.hint))
    if why is None:
        return CopyResult(planned, location)
    fix = "see the place and its room; the next run, or `nimwrap images copy`, begins it anew"
    return CopyResult(planned, location, Failure(FailureCode.COPY_FAILED, f"{location}: {why}", fix))


def _made_or_refused(work: CopyWork, copy: CopyRow) -> str | None:
    """As ``_made``; a far end that cannot be looked at is a reason."""
    try:
        return _made(work, copy)
    except NimwrapError as error:
        if error.code != FailureCode.COPY_FAILED:
            raise
        return error.message


def _made(work: CopyWork, copy: CopyRow) -> str | None:
    """Why there is no proven copy; None when there is one, and its row says so."""
    draft, there = _lies(work)
    if there is not None and copy.made is None:
        return _adopted(work, copy)
    if draft is None and work.kind.looks and look_at(work.context, work.making).state is JobState.DONE:
        clear_job(work.context, work.making)
        clear_job(work.context, work.checking(draft=True))
    made = work.made()
    if not made.done_well:
        return made.reason
    own = parse_sums(made.output)
    if work.order.known.crc and own.crc and own.crc != work.order.known.crc:
        return f"the image has the checksum {own.crc}, it was proven with {work.order.known.crc}"
    work = replace(work, order=replace(work.order, known=together(work.order.known, own)))
    checked = work.checked(draft=True)
    if why := _differs(work, checked):
        return why
    published = work.short(work.kind.publish(work.order, replacing=copy.made is not None))
    if published.failed:  # `short` raises where nobody knows
        return _said(published)
    _record(work, copy, together(parse_sums(checked.output), work.order.known))
    return None


def _adopted(work: CopyWork, copy: CopyRow) -> str | None:
    """Why what lies there already is no copy; None when it is the very image, and its row says so."""
    found = read_back(work)
    if found.ok is not True:  # nor where nobody knows: it is left alone
        return f"what lies there was left alone: {found.why}"
    adopted = work.short(work.kind.adopt(work.order))
    if adopted.failed:  # `short` raises where nobody knows
        return _said(adopted)
    _record(work, copy, together(found.sums, work.order.known))
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
        raise NimwrapError(
            f"{work.context.host.name} does not say what lies at {work.kind.location(work.order)}: {_said(result)}",
            FailureCode.COPY_FAILED,
        )
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
    checked = work.checked(draft=False)
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
    write_kit(work)
    _note(work.context, work.order.row, f"copied to {copy.name}: {copy.location}, {sums.text}", proven=True)
    run_copied(work.context, work.order.row, copy)


def write_kit(work: CopyWork) -> None:
    """What lies beside the copies of the client is written anew; where that fails the next pass does it."""
    if not work.kind.looks:
        return
    source = KitSource(work.context.config, work.context.queries, work.context.clock.now())
    files = beside_copies(source, work.order.row.ref, work.order.place)
    work.short(work.kind.write(work.order.far, files))


def with_kit(work: CopyWork) -> CopyWork:
    """With what a program stores beside the image, where it gives each object a name of its own."""
    order = work.order
    if work.kind.looks or not any("{name}" in word for word in order.place.store):
        return work
    source = KitSource(work.context.config, work.context.queries, work.context.clock.now())
    return replace(work, order=replace(order, kit=within_store(source, order.row, order.name.rpartition(".")[0])))


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
