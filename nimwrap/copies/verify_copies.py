"""Reading copies back again: what is no longer the image is a fault, and is copied anew by the next run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nimwrap.copies.copy_plan import CopyState, PlannedCopy
from nimwrap.copies.make_copy import read_back, work_on
from nimwrap.domain.findings import Failure
from nimwrap.history.copy_row import CopyRow
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class CopyCheck:
    """``ok`` None: it could not be looked at, and ``why`` says so."""

    copy: CopyRow
    ok: bool | None
    why: str = ""


def verify_copy(context: MasterContext, planned: PlannedCopy, copy: CopyRow, copies: Sequence[CopyRow]) -> CopyCheck:
    """Read one copy back under its client's lock and record what was found."""
    with client_locked(context, copy.client, "verify-copy") as locked:
        if isinstance(locked, Failure):
            return CopyCheck(copy, None, locked.message)
        found = read_back(work_on(locked, planned, copies))
    if found.ok is None:
        return CopyCheck(copy, None, found.why)
    now = context.clock.now()
    state = CopyState.OK if found.ok else CopyState.FAILED
    context.store.update_copy(copy.id, state=state, reason=found.why or None, verified_at=now)
    if state is CopyState.FAILED:
        context.note(planned.row.run, "copy", f"the copy {copy.location} of {copy.name} is faulty: {found.why}")
    return CopyCheck(copy, found.ok, found.why)
