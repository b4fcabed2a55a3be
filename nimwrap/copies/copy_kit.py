"""What goes with the copies of a client: a manifest beside each, and the plan that begins from the newest of them."""

from __future__ import annotations

from collections.abc import Sequence

from nimwrap.config.model import CopyConfig
from nimwrap.copies.copy_plan import CopyState, is_whole
from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.kit.kit_files import KitSource
from nimwrap.images.kit.kit_names import RESTORE, SUFFIX, manifest_path
from nimwrap.images.kit.manifest import manifest_text


def beside_copies(source: KitSource, ref: ClientRef, place: CopyConfig) -> dict[str, str]:
    """The files beside the proven copies of a client at a place that has files."""
    copies = [c for c in source.queries.copies(ref.master, ref.client) if c.name == place.name]
    proven = {copy.image: copy for copy in copies if copy.state == CopyState.OK}
    rows = source.queries.images_by_id(list(proven))
    origins = source.origins(rows)
    files = {
        manifest_path(proven[row.id].location): manifest_text(row, origins[row.id], proven[row.id]) for row in rows
    }
    if ref.client == MASTER:
        files |= source.of_master(ref.master, place.directory)
    elif newest := _newest(rows):
        files[f"{place.directory.rstrip('/')}/{ref.client}/{RESTORE}"] = _plan(source, newest, proven[newest.id], place)
    return files


def within_store(source: KitSource, row: ImageRow, stem: str) -> dict[str, str]:
    """The files that a program of the site's own stores with one image, by their names, which begin with ``stem``."""
    files = {f"{stem}{SUFFIX}": manifest_text(row, source.origins([row])[row.id])}
    if kind_of(row.kind).bootable and row.client != MASTER:
        files[f"{stem}.{RESTORE}"] = source.plan(row, source.elsewhere(row.ref))
    return files


def _newest(rows: Sequence[ImageRow]) -> ImageRow | None:
    whole = [row for row in rows if kind_of(row.kind).bootable and is_whole(row)]
    return max(whole, key=lambda row: (row.created, row.id), default=None)


def _plan(source: KitSource, row: ImageRow, copy: CopyRow, place: CopyConfig) -> str:
    at_place = row._replace(location=copy.location, resource=None, master=place.to or row.master)
    return source.plan(at_place, source.elsewhere(row.ref), kept_on=row.master)
