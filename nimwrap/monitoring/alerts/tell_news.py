"""Tell what is new since somebody was told the last time. Nothing here can break a backup: trouble is a warning."""

from __future__ import annotations

import logging
from datetime import datetime
from socket import gethostname
from typing import TYPE_CHECKING

from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError, Problem

if TYPE_CHECKING:
    from nimwrap.history.ports import History, Queries
    from nimwrap.monitoring.alerts.alert_states import States

_log = logging.getLogger(__name__)
HINT = "`nimwrap notify test` tries every place"


def tell_news(config: Config, store: History, reader: Queries, now: datetime) -> list[Problem]:
    """Tell what is new, in one message to every place; the warnings."""
    if not config.notify.urls:
        return []
    try:
        return _tell(config, store, reader, now)
    except Exception as error:  # a backup is done and recorded by now: telling of it must not change its end
        return [nobody_told(error)]


def nobody_told(error: Exception) -> Problem:
    """The warning of a message that could not be sent at all."""
    if isinstance(error, NimwrapError):
        return Problem("notify", f"nobody was told: {error.message}", error.hint)
    _log.debug("notify", exc_info=error)
    return Problem("notify", f"nobody was told: a bug in nimwrap: {type(error).__name__}")


def _tell(config: Config, store: History, reader: Queries, now: datetime) -> list[Problem]:
    from nimwrap.monitoring.alerts.alert_channels import deliver
    from nimwrap.monitoring.alerts.alert_states import News, news, states_of
    from nimwrap.monitoring.alerts.delivery_log import delivered, note
    from nimwrap.monitoring.alerts.digest import digest
    from nimwrap.monitoring.protection import protection

    found = protection(config, reader, now)
    states = states_of(found)
    fresh, site = News(), gethostname()

    def decide(before: States) -> tuple[str, bool]:
        nonlocal fresh
        fresh = news(found, before, states, config.notify.on)
        return digest(fresh, found, site).subject if fresh else "nothing to tell", bool(fresh)

    noted = note(store, states, decide, now)
    if noted is None or not noted.send:
        return []
    deliveries = deliver(config.notify.urls, digest(fresh, found, site))
    if any(not delivery.trouble for delivery in deliveries):
        delivered(store, noted, now)
    return [Problem("notify", f"{one.place}: {one.trouble}", HINT) for one in deliveries if one.trouble]
