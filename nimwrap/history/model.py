"""The rows of the history as records: what a query gives, and the only names by which a column is read.

Tuples and not dataclasses: a report reads tens of thousands of them, and every verb pays for making the classes. Times
are RFC 3339 text as stored, whose order is the order of time; what JSON holds a list of words becomes a tuple.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef, Key  # loaded when needed: its module costs a tenth of `nimwrap history`


def _ref(master: str, client: str) -> ClientRef:
    from nimwrap.domain.ref import ClientRef

    return ClientRef(master, client)


class ImageRow(NamedTuple):
    """One row of ``images``. ``verified_by`` names the evidence; ``removal`` is ``planned`` until it has ended."""

    id: int
    run: str | None
    client: str
    master: str
    kind: str
    resource: str | None
    location: str
    size_bytes: int
    outcome: str
    verified: bool
    verified_by: tuple[str, ...]
    verified_at: str | None
    verified_full_at: str | None
    fault: str | None
    managed: bool
    pinned: bool
    node: str | None
    machine_id: str | None
    oslevel: str | None
    file_count: int | None
    cksum: str | None
    created: str
    recorded: str
    removal: str | None
    removed: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> ImageRow:
        stored = cls._make(values)
        return stored._replace(
            verified=bool(stored.verified),
            verified_by=tuple(json.loads(str(stored.verified_by))),
            managed=bool(stored.managed),
            pinned=bool(stored.pinned),
        )

    @property
    def key(self) -> Key:
        return self.master, self.client

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.client)


class LastGoodRow(NamedTuple):
    """One row of the view ``last_good``: the newest proven image of one kind that is still there."""

    master: str
    client: str
    kind: str
    image: int
    run: str | None
    resource: str | None
    location: str
    size_bytes: int
    outcome: str
    created: str

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> LastGoodRow:
        return cls._make(values)
