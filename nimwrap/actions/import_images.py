"""Record the images that nimwrap does not know: what has a manifest, NIM's resources, and plain files; and copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.actions.recover_masters import recover_in
from nimwrap.clients.known_clients import recorded_clients
from nimwrap.clients.selection import select
from nimwrap.clients.target_errors import any_resolved
from nimwrap.copies.found_copies import record_copies
from nimwrap.copies.registry import kind_at
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import ClientRef
from nimwrap.fleet.session import Session, open_session, refresh_inventories
from nimwrap.history.installation import installation_id
from nimwrap.images.adoption import Imported, ImportRules, record_images, unrecorded
from nimwrap.images.image_inventory import InventoriedImage, inventory
from nimwrap.images.kit.manifest import Manifest
from nimwrap.images.kit.read_manifests import read_manifests
from nimwrap.images.master_catalog import directories, read_catalog
from nimwrap.images.reverify import writing_in

if TYPE_CHECKING:
    from nimwrap.config.model import Config, CopyConfig


@dataclass(frozen=True)
class ImportResult:
    """``copied``: the images of which a copy was recorded again. ``troubles``: why masters could not be asked."""

    images: list[Imported] = field(default_factory=list)
    copied: list[int] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


def import_images(config: Config, targets: Sequence[str], now: datetime) -> ImportResult:
    """Record what every master has of the clients meant; of all without a target."""
    found = ImportResult()
    with open_session(config) as session:
        troubles = refresh_inventories(session)
        troubles |= recover_in(session, [master for master in session.hosts if master not in troubles]).troubles
        wanted = _wanted(session, targets, troubles) if targets else None
        for master in session.hosts:
            if master not in troubles:
                try:
                    found.images.extend(_imported(session, master, wanted, now))
                except NimwrapError as error:
                    troubles[master] = error
        for place in config.copies.values():
            try:
                found.copied.extend(_copies_at(session, place, wanted, troubles, now))
            except NimwrapError as error:
                troubles.setdefault(f"copies {place.name}", error)
        found.troubles.extend(troubles.values())
    return found


def _wanted(session: Session, targets: Sequence[str], troubles: Mapping[str, NimwrapError]) -> frozenset[ClientRef]:
    """The clients that the targets mean; exit 2 when one means none, unless a master is missing that may know it."""
    known = recorded_clients(session.config, session.reader)
    selection = select(targets, known, session.config.groups)
    if not troubles:
        any_resolved(selection, known, session.config.groups)
    return frozenset(selection.all_of_a_name)


def _imported(session: Session, master: str, wanted: frozenset[ClientRef] | None, now: datetime) -> list[Imported]:
    context = session.master_context(master)
    rows = session.reader.images(master)
    places = [row.location for row in rows]
    catalog = read_catalog(context.host, session.config, master, places)
    known = _manifests(session, master, directories(session.config, master, places))
    entries = [
        entry
        for entry in unrecorded(inventory(master, rows, catalog, now), writing_in(context, session.reader), known)
        if wanted is None or _is_wanted(entry, master, wanted, known)
    ]
    meant = None if wanted is None else frozenset(ref.client for ref in wanted if ref.master == master)
    return record_images(context, entries, catalog, now, ImportRules(meant, known))


def _is_wanted(
    entry: InventoriedImage, master: str, wanted: frozenset[ClientRef], known: Mapping[str, Manifest]
) -> bool:
    """Of a plain file without a manifest nobody knows yet whose it is."""
    if entry.location in known:
        return ClientRef(master, known[entry.location].image["client"]) in wanted
    return entry.resource is None or ClientRef(master, entry.client or "") in wanted


def _manifests(session: Session, master: str, roots: Sequence[str]) -> dict[str, Manifest]:
    """By place what the manifests beside images tell that are as large as these say, and lie where they say.

    Retention goes on with them where they are this installation's own, or where its history has lost everything of the
    master; beside a history of its own another installation's images are not its to remove.
    """
    config, found = session.config, read_manifests(session.hosts[master], roots)
    here = [each for each in found if each.fits and not each.manifest.copy]
    ours, lost = installation_id(config.state_dir), not session.reader.images(master, removed=True)
    known = {}
    for each in here:
        manifest = each.manifest
        if manifest.image["master"] == master and manifest.image["location"] == each.location:
            managed = manifest.image["managed"] and (lost or manifest.installation == ours)
            known[each.location] = replace(manifest, image={**manifest.image, "managed": managed})
    return known


def _copies_at(
    session: Session,
    place: CopyConfig,
    wanted: frozenset[ClientRef] | None,
    troubles: Mapping[str, NimwrapError],
    now: datetime,
) -> list[int]:
    """Record what lies at a place that has files, of every master that copies there."""
    if not kind_at(place).looks:
        return []
    recorded = []
    for master in session.hosts:
        far = place.to or master
        if {master, far} & set(troubles) or master == place.to:
            continue
        found = read_manifests(session.hosts[far], [place.directory])
        recorded += record_copies(session.master_context(master), place, found, wanted, now)
    return recorded
