"""What of the site a page is about: since when, and whose clients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nimwrap.domain.ref import ClientRef

FAILURES = timedelta(days=30)
"""How far back failures are told where nobody says otherwise."""


@dataclass(frozen=True)
class PageScope:
    """``since`` None: what each part takes by itself; ``refs`` None: everybody."""

    since: datetime | None = None
    refs: frozenset[ClientRef] | None = None

    def failures_since(self, now: datetime) -> datetime:
        return self.since or now - FAILURES

    def has(self, ref: ClientRef) -> bool:
        return self.refs is None or ref in self.refs


EVERYTHING = PageScope()
