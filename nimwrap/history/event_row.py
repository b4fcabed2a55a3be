"""An event as a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple


class EventRow(NamedTuple):
    """One row of ``events``. ``data`` is what its JSON holds, None without any.

    ``act`` and ``subject`` stand only in what somebody had done on purpose; ``actor`` is null in rows of before.
    """

    id: int
    run: str | None
    master: str | None
    at: str
    kind: str
    text: str
    data: Any
    actor: str | None = None
    control_host: str | None = None
    act: str | None = None
    subject: str | None = None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> EventRow:
        stored = cls._make(values)
        return stored._replace(data=json.loads(stored.data)) if stored.data else stored


class ActRow(NamedTuple):
    """One act of ``audit``: an event that is one, a run, or an export change with when it was ``opened`` and
    ``closed``, by the master's own time; ``state`` is how the last two stand."""

    at: str
    actor: str | None
    control_host: str | None
    act: str
    subject: str
    run: str | None
    text: str
    state: str | None
    opened: str | None
    closed: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> ActRow:
        return cls._make(values)
