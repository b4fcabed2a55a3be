"""The record of a copy, as the others of ``history.model``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nimwrap.domain.ref import Key


class CopyRow(NamedTuple):
    """One row of ``copies``: an image in another place. ``made``: when it was proven there first, None until then.

    ``checksum`` is the method and its value, as ``cksum:CRC:BYTES`` or ``sha256:HEX``.
    """

    id: int
    image: int
    master: str
    client: str
    name: str
    kind: str
    location: str
    size_bytes: int
    checksum: str | None
    state: str
    reason: str | None
    begun: str
    made: str | None
    verified_at: str | None
    removed: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> CopyRow:
        return cls._make(values)

    @property
    def key(self) -> Key:
        return self.master, self.client
