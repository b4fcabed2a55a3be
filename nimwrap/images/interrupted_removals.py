"""Removals that a crash left half way: taken back, or finished if retention would still decide so now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nimwrap.domain.findings import Failure
from nimwrap.domain.retention import Action
from nimwrap.history.model import ImageRow
from nimwrap.images.master_catalog import MasterState
from nimwrap.images.observed_state import observe
from nimwrap.images.prune import held_clients, plan_prune, series_of, unconfirmed
from nimwrap.images.removal import PLANNED, Begun, Ending, Removal, begun, finish, unsafe
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext


def finish_removals(context: MasterContext, now: datetime) -> list[tuple[ImageRow, Removal]]:
    """What came of each journalled removal of this master; those of clients that somebody works on are passed over.

    One that had not begun is decided anew. One that is half done goes on only if everything that retention asks
    before a removal holds now. While the master does not say how far it came, it stays journalled.
    """
    planned = [row for row in context.queries.images(context.master.name) if row.removal == PLANNED]
    if not planned:
        return []
    done = []
    for row in planned:
        with client_locked(context, row.client, "removal") as locked:
            if isinstance(locked, Failure):
                continue
            state = observe(locked, now, row.client)
            fresh = next(iter(locked.queries.images_by_id([row.id])), row)
            if fresh.removal == PLANNED and fresh.removed is None:  # else somebody was quicker
                done.append((fresh, _finished(locked, fresh, state, now)))
    return done


def _finished(context: MasterContext, row: ImageRow, state: MasterState, now: datetime) -> Removal:
    if unsafe(row):
        return _taken_back(context, row, "the removal had not begun")
    how = begun(context.host, row)
    if how is Begun.UNKNOWN:
        return Removal(Ending.FAILED, f"{context.master.name} does not say how far its removal came")
    if how is Begun.NOT:
        return _taken_back(context, row, "the removal had not begun")
    if how is Begun.HALF and (why := _not_any_more(context, row, state, now)):
        return _taken_back(context, row, f"its removal was half done, and is not to be finished: {why}")
    return finish(context, row, now)


def _not_any_more(context: MasterContext, row: ImageRow, state: MasterState, now: datetime) -> str | None:
    """Why retention would not remove this image now; None when it would."""
    rows: Sequence[ImageRow] = [
        other._replace(removal=None) if other.id == row.id else other
        for other in context.queries.images(row.master, row.client, kind=row.kind)
        if series_of(other) == series_of(row)
    ]
    decided = plan_prune(rows, context.config, held_clients(context.queries, now), state, now)
    own = next(verdict for verdict in decided if verdict.row.id == row.id)
    return own.reason if own.action != Action.REMOVE else unconfirmed(context.host, decided, now)


def _taken_back(context: MasterContext, row: ImageRow, why: str) -> Removal:
    context.store.update_image(row.id, removal=None)
    return Removal(Ending.LEFT, f"{why}; it is decided anew")
