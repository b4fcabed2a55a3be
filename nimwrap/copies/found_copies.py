"""Copies that the history does not know, recorded again from the manifests beside them, with the images they are of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from nimwrap.config.model import CopyConfig
from nimwrap.copies.copy_plan import CopyState
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.domain.ref import ClientRef
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.images.adoption import recorded_before
from nimwrap.images.image_fault import SEEN, ImageFault, fault_columns
from nimwrap.images.kit.read_manifests import FoundManifest
from nimwrap.master_context import MasterContext


def record_copies(
    context: MasterContext,
    place: CopyConfig,
    found: Sequence[FoundManifest],
    wanted: Collection[ClientRef] | None,
    now: datetime,
) -> list[int]:
    """Record those of this master's images that lie at the place as large as they were copied; the images' ids.

    Nothing is read back here: what was proven stands as it was, and ``images verify --copies`` looks again.
    """
    recorded = []
    for each in found:
        image, copy = each.manifest.image, each.manifest.copy
        ref = ClientRef(image["master"], image["client"])
        ours = image["master"] == context.master.name and (wanted is None or ref in wanted)
        if not ours or not copy or copy["location"] != each.location or not each.fits:
            continue
        row = _image_of(context, each) or _gone_image(context, each, now)
        if row is None or any(one.name == place.name for one in _copies_of(context, row)):
            continue
        begun = context.store.begin_copy(row, place.name, place.kind, each.location, now)
        context.store.update_copy(
            begun.id,
            state=CopyState.OK,
            checksum=copy["checksum"],
            made=copy["made"],
            verified_at=copy["verified_at"],
        )
        context.note(None, "import", f"recorded the copy {each.location} of {place.name} by its manifest", at=now)
        recorded.append(row.id)
    return recorded


def _copies_of(context: MasterContext, row: ImageRow) -> list[CopyRow]:
    return [copy for copy in context.queries.copies(row.master, row.client) if copy.image == row.id]


def _image_of(context: MasterContext, found: FoundManifest) -> ImageRow | None:
    """The recorded image that the copy is of: of the same client, kind, time and size."""
    image = found.manifest.image
    rows = context.queries.images(image["master"], image["client"], kind=image["kind"])
    made = parse_rfc3339(image["created"])
    same = [row for row in rows if parse_rfc3339(row.created) == made and row.size_bytes == image["size_bytes"]]
    return same[0] if same else None


def _gone_image(context: MasterContext, found: FoundManifest, now: datetime) -> ImageRow | None:
    """A row for an image of which only the copy is there; what bears its place by now is another one."""
    image = found.manifest.image
    fault = ImageFault.found(Failure(FailureCode.IMAGE_MISSING, f"{image['location']} is gone; a copy is there"), SEEN)
    named = {name: image[name] for name in ("client", "master", "kind", "resource", "size_bytes", "created")}
    values = named | recorded_before(context, found.manifest, fault) | fault_columns(fault, now)
    for location in (image["location"], f"{image['location'].rpartition('/')[0]}/{found.location.rpartition('/')[2]}"):
        number = context.store.add_found_image(**values, location=location)
        if number is not None:
            return context.queries.images_by_id([number])[0]
    return None
