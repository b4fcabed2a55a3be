"""The plan that restores one client: from its newest image that is there, else from a copy of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.actions.keep_sightings import keep_sightings
from nimwrap.copies.copy_plan import CopyState, PlannedCopy
from nimwrap.copies.make_copy import copy_order
from nimwrap.copies.registry import kind_at
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.hosts.connect import open_master
from nimwrap.images.restore.restore_facts import RestoreFacts, gather
from nimwrap.images.restore.restore_notes import Note
from nimwrap.images.restore.restore_plan import restore_plan
from nimwrap.images.restore.restore_records import RestorePlan, RestoreRequest, RestoreStep, passed_over
from nimwrap.images.restore.restore_request import bootable, good_images, restore_request

if TYPE_CHECKING:
    from nimwrap.config.model import Config, CopyConfig
    from nimwrap.domain.ref import ClientRef
    from nimwrap.history.copy_row import CopyRow
    from nimwrap.history.model import ImageRow
    from nimwrap.history.ports import Queries


@dataclass(frozen=True)
class RestoreWish:
    """What somebody wants to restore: ``to`` another machine, from the ``image`` of this name, place or number."""

    ref: ClientRef
    now: datetime
    to: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class PlannedRestore:
    """``problems``: what could not be looked at."""

    plan: RestorePlan
    problems: list[Problem]


def plan_restore(
    config: Config, queries: Queries, wish: RestoreWish, warn: Callable[[str, str], None]
) -> PlannedRestore:
    """The plan from the newest image that is there as recorded or copied; from the newest of all where none is."""
    if wish.ref.master not in config.masters:
        raise usage_error(f"master {wish.ref.master} is not in the configuration")
    planned: list[PlannedRestore] = []
    rows = bootable(queries, wish.ref)  # as they stand before this look, which may write down what it sees
    for row in _images(queries, rows, wish):
        request = restore_request(queries, row, wish.to, wish.now)
        for way in _ways(config, queries, request):
            facts, problems = _facts(config, way)
            if facts is not None and way.copy is None:
                keep_sightings(config, row.master, facts.sightings, wish.now, warn)
            made = restore_plan(way, replace(facts, seen=None) if facts and way.fetch else facts)
            if not made.image_fault:
                made.warnings[:0] = [*_begins_from(row, way), *_passed(planned, row)]
                made.warnings[:0] = _newer_faulty(rows, wish, row)
                return PlannedRestore(made, problems)
            planned.append(PlannedRestore(made, problems))
    planned[0].plan.warnings[:0] = _newer_faulty(rows, wish, planned[0].plan.image)
    return planned[0]


def _images(queries: Queries, rows: Sequence[ImageRow], wish: RestoreWish) -> Sequence[ImageRow]:
    """The images to try, the newest first: the good ones and those that are gone but copied, or the one wanted."""
    if wish.image is not None:
        found = [row for row in rows if wish.image in (row.resource, row.location, str(row.id))]
        if not found:
            raise usage_error(f"{wish.ref} has no image {wish.image!r}", f"`nimwrap images list {wish.ref}` shows them")
        return found[:1]
    copied = {copy.image for copy in _proven_copies(queries, wish.ref)}
    good = {row.id for row in good_images(rows)}
    wanted = [row for row in rows if row.id in good or (row.id in copied and row.verified and row.removal is None)]
    if not wanted:
        raise NimwrapError(
            f"there is no good image of {wish.ref}",
            FailureCode.IMAGE_MISSING,
            "`nimwrap images import` records those that NIM has; `nimwrap backup` makes one",
            client=wish.ref.client,
        )
    return wanted


def _proven_copies(queries: Queries, ref: ClientRef) -> list[CopyRow]:
    return [copy for copy in queries.copies(ref.master, ref.client) if copy.state == CopyState.OK]


def _ways(config: Config, queries: Queries, request: RestoreRequest) -> Iterator[RestoreRequest]:
    """The image itself, unless something is known to be wrong with it; then its copies, those in reach first."""
    row = request.image
    copies = [copy for copy in _proven_copies(queries, row.ref) if copy.image == row.id and copy.name in config.copies]
    if row.fault is None or not copies:
        yield request
    for copy in sorted(copies, key=lambda copy: _distance(config.copies[copy.name])):
        yield _from_copy(config, request, copy)


def _distance(place: CopyConfig) -> int:
    """On the same master first, then where a restore can begin, then what has to be brought back."""
    return (1 if place.to else 0) if kind_at(place).looks else 2


def _from_copy(config: Config, request: RestoreRequest, copy: CopyRow) -> RestoreRequest:
    row, place = request.image, config.copies[copy.name]
    kind = kind_at(place)
    if not kind.looks:
        order = copy_order(config, PlannedCopy(row, place), [copy])
        fetched = kind.fetch(order)
        where = f"on the control host, and sent to {row.location} on {row.master}" if kind.here else f"on {row.master}"
        step = RestoreStep(f"bring the image back from {copy.name}", fetched, f"Typed {where}; then cksum it.")
        return replace(request, copy=copy.name, fetch=step)
    master = place.to or row.master
    image = row._replace(location=copy.location, resource=None, master=master)
    return replace(request, image=image, copy=copy.name, master_host=master, kept_on=row.master)


def _begins_from(row: ImageRow, way: RestoreRequest) -> list[Note]:
    if way.copy is None:
        return []
    name = row.resource or row.location
    where = f"{way.image.location} on {way.image.master}" if way.fetch is None else way.fetch.title
    return [
        Note(
            f"{name} itself is not there as it was recorded: this begins from its copy {way.copy} ({where})",
            f"`nimwrap images verify --copies {row.ref}` reads it back.",
        )
    ]


def _passed(planned: Sequence[PlannedRestore], row: ImageRow) -> list[Note]:
    newer = {one.plan.image.id: one.plan for one in reversed(planned) if one.plan.image.id != row.id}
    return [passed_over(plan.image, plan.image_fault) for plan in reversed(newer.values())]


def _newer_faulty(rows: Sequence[ImageRow], wish: RestoreWish, taken: ImageRow) -> list[Note]:
    """Images that would stand before the one taken, had nothing wrong been found in them."""
    if wish.image is not None:
        return []
    newer = [row for row in rows if (row.created, row.id) > (taken.created, taken.id)]
    return [passed_over(row, row.fault) for row in newer if row.fault]


def _facts(config: Config, request: RestoreRequest) -> tuple[RestoreFacts | None, list[Problem]]:
    master = config.masters[request.image.master]
    host = open_master(master)
    try:
        given = gather(host, request.image, request.target, request.target_host, request.master_host, master.spool)
    except NimwrapError as error:
        unseen = "nothing could be checked on the master; the commands are what the history leads to"
        return None, [Problem(error.code, f"{error.message}: {unseen}", error.hint)]
    finally:
        host.close()
    return given, []
