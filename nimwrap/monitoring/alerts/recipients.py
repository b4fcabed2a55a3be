"""Who is told: everybody under ``[notify]``, and each ``[notify.NAME]`` of the clients that are theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from socket import gethostname

from nimwrap.clients.known_clients import KnownClients
from nimwrap.clients.selection import select
from nimwrap.config.model import Config
from nimwrap.config.secret import Secret
from nimwrap.monitoring.protection import Protection


@dataclass(frozen=True)
class Recipients:
    """``place``: the table that names them; ``memory``: what their events are called in the history.

    ``targets`` empty: they are told of everything.
    """

    place: str
    urls: tuple[Secret, ...]
    on: tuple[str, ...]
    targets: tuple[str, ...] = ()

    @property
    def memory(self) -> str:
        """Empty for those of ``[notify]`` itself."""
        return self.place.removeprefix("notify").replace(".", ":")

    def share(self, config: Config, found: Protection) -> Protection:
        """What of the site is theirs."""
        if not self.targets:
            return found
        known = KnownClients(tuple(view.ref for view in found.clients))
        return found.of(select(self.targets, known, config.groups).refs)


def recipients(config: Config) -> Iterator[Recipients]:
    """All who have a place to be told at."""
    notify = config.notify
    if notify.urls:
        yield Recipients("notify", notify.urls, notify.on)
    for name, own in notify.recipients.items():
        if own.urls:
            yield Recipients(f"notify.{name}", own.urls, own.on, own.targets)


def site_name(config: Config) -> str:
    """What this installation is called in messages and reports."""
    return config.site_name or gethostname()
