"""Copies that ``keep`` does not want: removed one by one, each only after the newest that stays was seen again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nimwrap.config.model import CopyConfig
from nimwrap.copies.base import LEFT
from nimwrap.copies.control_copy import remove_here
from nimwrap.copies.copy_plan import CopyState, PlannedCopy, newest_kept, superfluous
from nimwrap.copies.make_copy import CopyWork, bytes_there, read_back, with_kit, work_on
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.ref import ClientRef
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.images.mass_change import why_stopped
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class CopyRemoval:
    """``removed`` False: it stays, and ``reason`` says why."""

    copy: CopyRow
    removed: bool
    reason: str


def foreseen_removals(context: MasterContext, ref: ClientRef, place: CopyConfig, now: datetime) -> list[CopyRow]:
    """What would go now; those of which the journal says that their removal was begun are among them."""
    images, copies = _rows(context, ref)
    begun = [copy for copy in copies if copy.name == place.name and copy.state == CopyState.REMOVING]
    return [*begun, *superfluous(images, copies, place, now)]


def drop_superfluous(context: MasterContext, ref: ClientRef, place: CopyConfig, now: datetime) -> list[CopyRemoval]:
    """Remove what is superfluous under the client's lock, decided anew there; nothing while somebody works on it."""
    if not foreseen_removals(context, ref, place, now):
        return []
    done = []
    with client_locked(context, ref.client, "drop-copies") as locked:
        if isinstance(locked, Failure):
            return []
        for copy in foreseen_removals(context, ref, place, now):
            images, copies = _rows(context, ref)
            done.append(_dropped(locked, place, copy, images, copies))
    return done


def _dropped(
    context: MasterContext, place: CopyConfig, copy: CopyRow, images: Sequence[ImageRow], copies: Sequence[CopyRow]
) -> CopyRemoval:
    now = context.clock.now()
    rows = {row.id: row for row in images}
    if stopped := why_stopped(context.queries, context.master.name):
        return CopyRemoval(copy, False, stopped)
    kept = newest_kept(images, copies, copy, now)
    if kept is None:
        return CopyRemoval(copy, False, "it is the last proven copy")
    if why := _unconfirmed(work_on(context, PlannedCopy(rows[kept.image], place), copies)):
        return CopyRemoval(copy, False, f"the newest copy could not be confirmed: {why}")
    work = with_kit(work_on(context, PlannedCopy(rows[copy.image], place), copies))
    context.store.update_copy(copy.id, state=CopyState.REMOVING)
    if work.kind.here:
        status = remove_here(work.order)
        removed, said = status.returncode, status.output.strip()
    else:
        result = work.short(work.kind.remove(work.order))
        removed, said = result.returncode, (result.stdout + result.stderr).strip()
    if removed == LEFT:
        context.store.update_copy(copy.id, state=CopyState.FAILED, reason=said)
        return CopyRemoval(copy, False, said)
    if removed != 0:  # `short` raises where nobody knows
        return CopyRemoval(copy, False, f"it could not be removed: {said}")
    context.store.update_copy(copy.id, state=CopyState.REMOVED, removed=now)
    act = Act("copy", ActName.REMOVE_COPY, copy.location)
    context.note(rows[copy.image].run, act, f"removed the copy {copy.location} of {copy.name}: keep = {place.keep}")
    return CopyRemoval(copy, True, f"keep = {place.keep}")


def _unconfirmed(work: CopyWork) -> str | None:
    """Why the copy that stays is not there as recorded: by its size where that can be seen, else by its check."""
    try:
        if work.kind.looks:
            size = bytes_there(work)
            there = size == work.order.row.size_bytes
            return None if there else f"{size} bytes are there, {work.order.row.size_bytes} were copied"
        found = read_back(work)
    except NimwrapError as error:
        return error.message
    return None if found.ok else found.why


def _rows(context: MasterContext, ref: ClientRef) -> tuple[list[ImageRow], list[CopyRow]]:
    images = context.queries.images(ref.master, ref.client, removed=True)
    copies = context.queries.copies(ref.master, ref.client)
    there = {copy.image for copy in copies}
    return [row for row in images if row.id in there], copies
