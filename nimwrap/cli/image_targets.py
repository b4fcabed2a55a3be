"""What a TARGET means to the image commands: clients by name, glob or group; single images by resource or number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nimwrap.cli.invocation import Invocation
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.domain.target_names import shown

if TYPE_CHECKING:
    from nimwrap.history.model import ImageRow
    from nimwrap.history.sqlite.queries import Reader


def rows_of(invocation: Invocation, targets: Sequence[str] | None, reader: Reader) -> list[ImageRow]:
    """The recorded images of the clients meant, of configured masters; all without a target. Exit 2 when unknown."""
    rows = [row for row in reader.images() if row.master in invocation.masters]
    if not targets:
        return rows
    refs = set(clients_meant(invocation.config, reader, targets))
    return [row for row in rows if row.ref in refs]


def named_images(rows: Sequence[ImageRow], names: Sequence[str]) -> list[ImageRow]:
    """The images that these resource names, places or numbers mean; exit 2 with the nearest name for any other."""
    chosen: dict[int, ImageRow] = {}
    for name in names:
        found = [row for row in rows if name in (row.resource, row.location, str(row.id))]
        if not found:
            known = [str(row.resource or row.location) for row in rows]
            hint = did_you_mean(name, known, at_most=2, likeness=0.5) or "`nimwrap images list` shows names and numbers"
            raise usage_error(f"no recorded image is called {shown(name)}", hint)
        if len({row.master for row in found}) > 1:
            numbers = ", ".join(f"{row.id} on {row.master}" for row in found)
            raise usage_error(f"{name!r} is an image on several masters", f"give its number: {numbers}")
        chosen.update({row.id: row for row in found})
    return list(chosen.values())


def problems_of(troubles: Iterable[NimwrapError]) -> list[Problem]:
    return [problem for error in troubles for problem in error.problems]
