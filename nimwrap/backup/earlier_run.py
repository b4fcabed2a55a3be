"""A lock held by an earlier run of this very installation: its nimwrap is gone, and its image still being made."""

from __future__ import annotations

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.recovery import follow_run
from nimwrap.domain.clock import Interrupted, NotStarted
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import Failure
from nimwrap.domain.progress import Progress
from nimwrap.history.model import RunRow
from nimwrap.history.run_lease import owner_alive
from nimwrap.locks.client_locks import LockedBy
from nimwrap.master_context import MasterContext


def follow_earlier(context: MasterContext, locked: Failure) -> RunRow | None:
    """The run that holds the lock, followed to its end if it is ours and nobody follows it; None for any other one.

    Raises NotStarted when we are told to leave meanwhile.
    """
    holder = locked.holder if isinstance(locked, LockedBy) else ""
    row = context.queries.stored_run(holder) if holder else None
    if row is None or row.outcome != Outcome.RUNNING or owner_alive(context.config.state_dir, holder):
        return None
    note = f"run {holder} of {row.client}, begun by an earlier nimwrap, is followed to its end first"
    context.tell(Progress(holder, "recover", row.client, note=note))
    try:
        follow_run(context, context.queries, row)
    except Interrupted as left:
        raise NotStarted from left
    ended = context.queries.stored_run(holder)
    return ended if ended is not None and ended.outcome != Outcome.RUNNING else None


def made_by(earlier: RunRow, request: BackupRequest) -> Failure | None:
    """Why the image need not be made once more: the earlier run has just made it."""
    same = (earlier.master, earlier.client, earlier.kind) == (request.ref.master, request.ref.client, request.kind)
    if not same or request.volume_group or earlier.outcome not in (Outcome.OK, Outcome.WARNING):
        return None
    why = f"done by run {earlier.id}, which an earlier nimwrap had begun and this command followed to its end"
    return Failure(FailureCode.LOCKED, why, f"nimwrap show {earlier.id}; another image is made by starting it again")
