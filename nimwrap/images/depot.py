"""One master as the keeper of its images: how to reach it, what is configured for it, where it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nimwrap.config.model import Config, MasterConfig
    from nimwrap.history.store import Store
    from nimwrap.hosts.protocol import Host

Row = dict[str, Any]
"""One row of ``images`` as stored."""


@dataclass(frozen=True)
class Depot:
    host: Host
    master: MasterConfig
    config: Config
    store: Store

    def note(self, kind: str, text: str, at: datetime, *, run: str | None = None, data: object = None) -> None:
        """Write an event. Evidence never stops the work: when the history cannot be written, it is let go."""
        from nimwrap.history.trouble import StoreUnavailable

        try:
            self.store.event(kind, text, run=run, master=self.master.name, data=data, at=at)
        except StoreUnavailable:
            return
