"""Which images are to be copied where, and which copies may go: pure decisions over rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nimwrap.clients.known_clients import KnownClients
from nimwrap.clients.selection import select
from nimwrap.config.model import Config, CopyConfig
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.retention import in_future
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.images.prune import Series, series_of


class CopyState(StrEnum):
    """The column ``state`` of a copy."""

    MAKING = "making"
    OK = "ok"
    FAILED = "failed"
    REMOVING = "removing"
    REMOVED = "removed"


@dataclass(frozen=True)
class PlannedCopy:
    """One image that is to be copied to one place."""

    row: ImageRow
    place: CopyConfig


def wanted_places(config: Config, refs: Sequence[ClientRef]) -> dict[ClientRef, list[CopyConfig]]:
    """For each client the places that its images are copied to, in the order of the configuration."""
    known = KnownClients(tuple(refs))
    chosen = {
        place.name: set(select(place.targets, known, config.groups).all_of_a_name) for place in config.copies.values()
    }
    return {
        ref: [place for place in config.copies.values() if ref in chosen[place.name] and place.to != ref.master]
        for ref in refs
    }


def is_proven(row: ImageRow) -> bool:
    """Whether the image may be copied: good when it was made, and nothing was found wrong since."""
    return row.verified and row.fault is None and row.removal is None and row.removed is None


def is_whole(row: ImageRow) -> bool:
    """Whether nothing is wrong with what was copied: the image itself may be gone by now."""
    return row.verified and (row.fault is None or row.fault_code == FailureCode.IMAGE_MISSING)


def plan_copies(
    images: Iterable[ImageRow],
    copies: Iterable[CopyRow],
    places: Mapping[ClientRef, Sequence[CopyConfig]],
    now: datetime,
) -> list[PlannedCopy]:
    """The newest ``keep`` proven images of each series that a place does not have, newest first, client by client."""
    there = {(copy.image, copy.name) for copy in copies if copy.state == CopyState.OK}
    planned: list[PlannedCopy] = []
    for members in _by_series(row for row in images if is_proven(row)).values():
        newest = _newest_first(members, now)
        for place in places.get(members[0].ref, ()):
            planned += [PlannedCopy(row, place) for row in newest[: place.keep] if (row.id, place.name) not in there]
    return planned


def superfluous(
    images: Iterable[ImageRow], copies: Sequence[CopyRow], place: CopyConfig, now: datetime
) -> list[CopyRow]:
    """The proven copies of one client at one place that ``keep`` does not want; never one of a pinned image."""
    by_image = {copy.image: copy for copy in copies if copy.name == place.name and copy.state == CopyState.OK}
    going: list[CopyRow] = []
    for members in _by_series(row for row in images if row.id in by_image).values():
        going += [by_image[row.id] for row in _newest_first(members, now)[place.keep :] if not row.pinned]
    return going


def newest_kept(images: Iterable[ImageRow], copies: Sequence[CopyRow], going: CopyRow, now: datetime) -> CopyRow | None:
    """The newest proven copy beside ``going`` of the same series and place; without one, ``going`` has to stay."""
    rows = {row.id: row for row in images}
    own = series_of(rows[going.image])
    others = {
        copy.image: copy
        for copy in copies
        if copy.name == going.name and copy.state == CopyState.OK and copy.id != going.id
    }
    members = [row for row in rows.values() if row.id in others and series_of(row) == own]
    return others[_newest_first(members, now)[0].id] if members else None


def _by_series(rows: Iterable[ImageRow]) -> dict[Series, list[ImageRow]]:
    found: dict[Series, list[ImageRow]] = {}
    for row in rows:
        found.setdefault(series_of(row), []).append(row)
    return found


def _newest_first(rows: Iterable[ImageRow], now: datetime) -> list[ImageRow]:
    """Those that are dated in the future last: no age can be told by such a date."""
    return sorted(
        rows, key=lambda row: (not in_future(parse_rfc3339(row.created), now), row.created, row.id), reverse=True
    )
