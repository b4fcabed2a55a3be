"""The rows about a master as a whole: what was found standing there, and whether anything may be removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class LeftExportRow(NamedTuple):
    """One row of ``exports_left``: what a master exported without a reason when it was looked at last."""

    master: str
    directory: str
    text: str
    why: str
    cure: str
    open: bool
    seen: str

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> LeftExportRow:
        stored = cls._make(values)
        return stored._replace(open=bool(stored.open))


class RemovalStop(NamedTuple):
    """One row of ``removal_stops``: no image of a master is removed ``since`` then, until a person has ``resumed``."""

    master: str
    since: str
    why: str
    resumed: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> RemovalStop:
        return cls._make(values)
