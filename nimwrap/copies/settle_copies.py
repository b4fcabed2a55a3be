"""Copies that a crash left half way: given up where their job is dead, left to go on where it lives or has ended."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import replace

from nimwrap.copies.copy_plan import CopyState, PlannedCopy
from nimwrap.copies.make_copy import give_up, work_on
from nimwrap.domain.findings import Failure
from nimwrap.history.copy_row import CopyRow
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.jobs.detached_job import JobState, clear_job, look_at
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext


def known_copy(context: MasterContext, copy: CopyRow) -> PlannedCopy | None:
    """The image and the place of a copy; None where the configuration has the place no longer."""
    place = context.config.copies.get(copy.name)
    rows = context.queries.images_by_id([copy.image])
    return PlannedCopy(rows[0], place) if place and rows else None


def settle_copies(context: MasterContext) -> list[str]:
    """What was taken away on this master. A copy that somebody works on, or whose job goes on, is left alone."""
    copies = context.queries.copies(context.master.name)
    if not copies:
        return []
    listed = context.host.run(f"{PREAMBLE}ls {shlex.quote(context.master.spool)}/copies 2>/dev/null\n")
    rooms, done = frozenset(listed.stdout.split()), list[str]()
    for copy in copies:
        planned = known_copy(context, copy)
        if planned is None:
            continue
        if copy.state != CopyState.MAKING:
            _sweep(context, planned, copy, rooms)
        elif _settled(context, planned, copy):
            done.append(f"{copy.location}: the copy was interrupted, and what was there of it is gone")
    return done


def _sweep(context: MasterContext, planned: PlannedCopy, copy: CopyRow, rooms: Collection[str]) -> None:
    """Remove what jobs left whose end is recorded, or that only read back."""
    work = work_on(context, planned, ())
    left = [job for job in (work.making, *(work.checking(draft=each) for each in (True, False))) if job.name in rooms]
    if not left:
        return
    with client_locked(context, copy.client, "settle-copy") as locked:
        if not isinstance(locked, Failure):
            for job in left:
                clear_job(locked, job)


def _settled(context: MasterContext, planned: PlannedCopy, copy: CopyRow) -> bool:
    foreseen = work_on(context, planned, context.queries.copies(copy.master, copy.client))
    with client_locked(context, copy.client, "settle-copy") as locked:
        if isinstance(locked, Failure):
            return False
        work = replace(foreseen, context=locked)
        making, checking = (look_at(locked, job) for job in (work.making, work.checking(draft=True)))
        running = JobState.RUNNING in (making.state, checking.state)
        goes_on = running or (making.done_well and checking.state is not JobState.DEAD)
        if not goes_on:
            give_up(work, copy, "it was interrupted; the next one begins anew")
    return not goes_on
