"""What a TARGET means to commands that ask no master: whoever the history and the configuration know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nimwrap.clients.known_clients import recorded_clients
from nimwrap.clients.selection import select
from nimwrap.clients.target_errors import any_resolved

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.ref import ClientRef
    from nimwrap.history.sqlite.queries import Reader


def clients_meant(config: Config, reader: Reader, targets: Iterable[str]) -> tuple[ClientRef, ...]:
    """The clients that the targets mean; exit 2 with the nearest name when one means none."""
    known = recorded_clients(config, reader)
    return any_resolved(select(targets, known, config.groups), known, config.groups)
