"""Which image of a client a drill takes, and who is next: the client whose last drill is the oldest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from nimwrap.config.model import Config
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef
from nimwrap.history.drill_row import DrillRow
from nimwrap.history.model import ImageRow


def newest_proven(images: Iterable[ImageRow]) -> dict[ClientRef, ImageRow]:
    """Of each client the newest mksysb image that is there, proven and without fault."""
    found: dict[ClientRef, ImageRow] = {}
    for row in images:
        if row.kind == PLAIN_KIND and row.verified and row.fault is None and row.removed is None:
            known = found.get(row.ref)
            if known is None or (row.created, row.id) > (known.created, known.id):
                found[row.ref] = row
    return found


def oldest_first(images: Iterable[ImageRow], drills: Iterable[DrillRow]) -> list[ImageRow]:
    """By the last drill of each image's client, who never had one before all others."""
    last = {drill.key: drill.begun for drill in drills}
    return sorted(images, key=lambda row: (last.get((row.master, row.client), ""), row.created, row.id))


def due_drills(config: Config, images: Iterable[ImageRow], drills: Iterable[DrillRow], now: datetime) -> list[ImageRow]:
    """The newest image of each client whose last drill is older than ``drill_every``, the oldest first."""
    last = {drill.key: drill for drill in drills}
    due = []
    for row in newest_proven(images).values():
        every = timedelta(seconds=config.policy(row.master, row.client).drill_every)
        drill = last.get((row.master, row.client))
        if every and (drill is None or now - parse_rfc3339(drill.begun) > every):
            due.append(row)
    return oldest_first(due, last.values())
