"""All images in one list: those the history knows, and those that only the master has, each with what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from nimwrap.aix.lsnim import NimObject
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.retention import in_future
from nimwrap.history.model import ImageRow
from nimwrap.images.kinds.registry import KINDS, resource_types
from nimwrap.images.master_catalog import MasterCatalog

NO_FILE = "its file is gone"
NO_RESOURCE = "its resource is gone"
ELSEWHERE = "its resource is defined at another place"
SIZE_CHANGED = "its size has changed"
IN_FUTURE = "dated in the future: a clock was wrong"
FILE_ALONE = "a file without a resource"
RESOURCE_ALONE = "a resource without a file"


@dataclass(frozen=True)
class InventoriedImage:
    """One image. ``row``: what the history knows; ``resource``: what NIM knows; at least a file or one of them.

    ``remarks`` name what does not fit together between history, NIM and disk.
    """

    master: str
    location: str
    client: str | None
    kind: str | None
    name: str | None
    size_bytes: int | None
    created: datetime | None
    row: ImageRow | None = None
    resource: NimObject | None = None
    remarks: tuple[str, ...] = ()

    @property
    def redefined(self) -> bool:
        """Whether a person made our name mean another file."""
        return bool(self.row and self.resource and self.resource.first("location") != self.location)

    def as_json(self, now: datetime) -> dict[str, Any]:
        """One element of ``data.images``."""
        row = self.row
        return {
            "id": row and row.id,
            "client": self.client,
            "master": self.master,
            "kind": self.kind,
            "resource": self.name,
            "location": self.location,
            "size_bytes": self.size_bytes,
            "created": rfc3339(self.created) if self.created else None,
            "age_s": round((now - self.created).total_seconds()) if self.created else None,
            "verified": row is not None and row.verified,
            "verified_by": list(row.verified_by) if row else [],
            "verified_at": row and row.verified_at,
            "verified_full_at": row and row.verified_full_at,
            "outcome": row and row.outcome,
            "oslevel": (row and row.oslevel) or (self.resource and self.resource.first("oslevel_s")),
            "managed": row is not None and row.managed and not self.redefined,
            "pinned": row is not None and row.pinned,
            "allocated": self.resource is not None and (self.resource.first("alloc_count") or "0") != "0",
            "fault": row and row.fault,
            "run": row and row.run,
            "remarks": list(self.remarks),
        }


def entry_of(row: ImageRow, remarks: tuple[str, ...] = (), resource: NimObject | None = None) -> InventoriedImage:
    return InventoriedImage(
        master=row.master,
        location=row.location,
        client=row.client,
        kind=row.kind,
        name=row.resource,
        size_bytes=row.size_bytes,
        created=parse_rfc3339(row.created),
        row=row,
        resource=resource,
        remarks=remarks,
    )


def inventory(
    master: str, rows: Iterable[ImageRow], stock: MasterCatalog | None, now: datetime
) -> list[InventoriedImage]:
    """The list for one master; without ``stock`` only what the history knows."""
    recorded = list(rows)
    if stock is None:
        return [entry_of(row, _misdated(row, now)) for row in recorded]
    earliest = min(now, stock.clock or now)
    entries = [_recorded(row, stock, earliest) for row in recorded]
    places = {row.location for row in recorded}
    for name, resource in stock.resources.items():
        place = resource.first("location") or ""
        if place not in places:
            entries.append(_unrecorded(master, name, place, resource, stock))
            places.add(place)
    for place, size in sorted(stock.files.items()):
        if place not in places:
            kind = _kind_by_extension(place)
            entries.append(InventoriedImage(master, place, None, kind, None, size, None, remarks=(FILE_ALONE,)))
    return entries


def _misdated(row: ImageRow, now: datetime) -> tuple[str, ...]:
    return (IN_FUTURE,) if in_future(parse_rfc3339(row.created), now) else ()


def _recorded(row: ImageRow, stock: MasterCatalog, now: datetime) -> InventoriedImage:
    remarks = [*_misdated(row, now)]
    on_disk = stock.files.get(row.location)
    resource = stock.resources.get(row.resource or "")
    if on_disk is None:
        remarks.append(NO_FILE)
    elif on_disk != row.size_bytes:
        remarks.append(f"{SIZE_CHANGED}: {on_disk} bytes, {row.size_bytes} recorded")
    if row.resource and resource is None:
        remarks.append(NO_RESOURCE)
    elif resource is not None and resource.first("location") != row.location:
        remarks.append(f"{ELSEWHERE}: {resource.first('location')}")
    return entry_of(row, tuple(remarks), resource)


def _unrecorded(master: str, name: str, place: str, resource: NimObject, stock: MasterCatalog) -> InventoriedImage:
    size = stock.files.get(place)
    return InventoriedImage(
        master,
        place,
        stock.client_of(resource),
        resource_types().get(resource.type),
        name,
        size,
        stock.created(resource),
        resource=resource,
        remarks=(RESOURCE_ALONE,) if size is None else (),
    )


def _kind_by_extension(place: str) -> str | None:
    extension = PurePosixPath(place).suffix.removeprefix(".")
    return next((kind.name for kind in KINDS.values() if kind.extension == extension), None)
