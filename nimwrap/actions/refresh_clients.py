"""Ask every master for its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.fleet.session import open_session, refresh_inventories

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.errors import NimwrapError


def refresh_clients(config: Config) -> dict[str, NimwrapError]:
    """Record the inventories of all masters; those that could not be asked, with their error."""
    with open_session(config) as session:
        return refresh_inventories(session)
