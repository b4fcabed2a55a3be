"""Record the images that nimwrap does not know: NIM's resources, and plain files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.actions.recover_masters import recover_in
from nimwrap.clients.known_clients import recorded_clients
from nimwrap.clients.selection import select
from nimwrap.clients.target_errors import any_resolved
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import ClientRef
from nimwrap.fleet.session import Session, open_session, refresh_inventories
from nimwrap.images.adoption import Imported, record_images, unrecorded
from nimwrap.images.image_inventory import inventory
from nimwrap.images.master_catalog import read_catalog
from nimwrap.images.reverify import writing_in

if TYPE_CHECKING:
    from nimwrap.config.model import Config


@dataclass(frozen=True)
class ImportResult:
    """``troubles``: why masters could not be asked."""

    images: list[Imported] = field(default_factory=list)
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
    catalog = read_catalog(context.host, session.config, master, [row.location for row in rows])
    entries = [
        entry
        for entry in unrecorded(inventory(master, rows, catalog, now), writing_in(context, session.reader))
        if wanted is None or entry.resource is None or ClientRef(master, entry.client or "") in wanted
    ]
    meant = None if wanted is None else frozenset(ref.client for ref in wanted if ref.master == master)
    return record_images(context, entries, catalog, now, meant)
