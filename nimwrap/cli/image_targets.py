"""What a TARGET means to the image commands: clients by name, glob or group; single images by resource or number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nimwrap.cli.invocation import Invocation
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.domain.records import ClientRef
from nimwrap.domain.target_names import matches, nearest, shown, unknown_client

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session
    from nimwrap.history.model import ImageRow
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.master_context import MasterContext


def context_of(session: Session, master: str) -> MasterContext:

    return session.master_context(master)


def recovered(session: Session, masters: Iterable[str]) -> dict[str, NimwrapError]:
    """Finish what a crash left on these masters; those that could not be asked, with their error."""
    from nimwrap.backup.recovery import recover

    troubles = {}
    for master in masters:
        try:
            recover(session.master_context(master), session.reader, wait=False)
        except NimwrapError as error:
            troubles[master] = error
    return troubles


def clients_meant(invocation: Invocation, reader: Reader, targets: Sequence[str]) -> list[ClientRef]:
    """The clients that the targets mean; exit 2 with the nearest name when one means none."""
    return _meant(invocation, reader, reader.images(), targets)


def rows_of(invocation: Invocation, reader: Reader, targets: Sequence[str] | None) -> list[ImageRow]:
    """The recorded images of the clients meant, of configured masters; all without a target. Exit 2 when unknown."""
    rows = [row for row in reader.images() if row.master in invocation.masters]
    if not targets:
        return rows
    refs = set(_meant(invocation, reader, rows, targets))
    return [row for row in rows if ClientRef(row.master, row.client) in refs]


def _meant(invocation: Invocation, reader: Reader, rows: Iterable[ImageRow], targets: Sequence[str]) -> list[ClientRef]:
    """Clients with images count as known here, also when no inventory has them (the master itself)."""
    from nimwrap.cli.known_names import clients_of, everyone

    with_images = list(dict.fromkeys(ClientRef(row.master, row.client) for row in rows))
    known = list(dict.fromkeys([*with_images, *everyone(reader, invocation.config)]))
    found: list[ClientRef] = []
    for target in targets:
        if target.startswith("group:"):
            found += clients_of([target], reader, invocation.config)
            continue
        mine = [ref for ref in known if matches(target, ref)]
        if not mine:
            raise unknown_client(target, known)
        found += mine
    return list(dict.fromkeys(found))


def named_images(rows: Sequence[ImageRow], names: Sequence[str]) -> list[ImageRow]:
    """The images that these resource names, places or numbers mean; exit 2 with the nearest name for any other."""
    chosen: dict[int, ImageRow] = {}
    for name in names:
        found = [row for row in rows if name in (row.resource, row.location, str(row.id))]
        if not found:
            known = [str(row.resource or row.location) for row in rows]
            hint = nearest(name, known) or "`nimwrap images list` shows names and numbers"
            raise usage_error(f"no recorded image is called {shown(name)}", hint)
        if len({row.master for row in found}) > 1:
            numbers = ", ".join(f"{row.id} on {row.master}" for row in found)
            raise usage_error(f"{name!r} is an image on several masters", f"give its number: {numbers}")
        chosen.update({row.id: row for row in found})
    return list(chosen.values())


def problems_of(troubles: dict[str, NimwrapError]) -> list[Problem]:
    return [problem for error in troubles.values() for problem in error.problems]
