"""The record of a drill, as the others of ``history.model``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nimwrap.domain.ref import Key


class DrillRow(NamedTuple):
    """One row of ``drills``: a restore of one image that was tried. ``took_s``: the measured time to bring it back.

    ``outcome`` is ``running`` until it has one; ``cleared``: when nothing of it was left any more, None until then.
    """

    id: int
    image: int
    master: str
    client: str
    level: str
    sandbox: str | None
    outcome: str
    reason: str | None
    evidence: tuple[str, ...]
    begun: str
    ended: str | None
    took_s: float | None
    cleared: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> DrillRow:
        row = cls._make(values)
        return row._replace(evidence=tuple(json.loads(values[cls._fields.index("evidence")])))

    @property
    def key(self) -> Key:
        return self.master, self.client
