"""Tell what is new since somebody was told the last time. Nothing here can break a backup: trouble is a warning."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.config.model import Config
from nimwrap.domain.alert_kind import DIGEST
from nimwrap.domain.errors import NimwrapError, Problem

if TYPE_CHECKING:
    from nimwrap.history.ports import History, Queries
    from nimwrap.monitoring.alerts.alert_states import States
    from nimwrap.monitoring.alerts.digest import DigestMessage
    from nimwrap.monitoring.alerts.recipients import Recipients
    from nimwrap.monitoring.protection import Protection

_log = logging.getLogger(__name__)
HINT = "`nimwrap notify test` tries every place"


def tell_news(config: Config, store: History, reader: Queries, now: datetime) -> list[Problem]:
    """Tell everybody what is new to them, in one message to each place, and once a week how things stand."""
    from nimwrap.monitoring.alerts.recipients import recipients

    told = list(recipients(config))
    if not told:
        return []
    try:
        from nimwrap.monitoring.protection import protection

        found = protection(config, reader, now)
    except Exception as error:  # a backup is done and recorded by now: telling of it must not change its end
        return [nobody_told(error)]
    return [problem for each in told for problem in _told(_Teller(config, store, reader, now), each, found)]


def _told(teller: _Teller, to: Recipients, found: Protection) -> list[Problem]:
    try:
        mine = to.share(teller.config, found)
        problems = teller.news(to, mine)
        return [*problems, *(teller.week(to, mine) if DIGEST in to.on else [])]
    except Exception as error:
        return [nobody_told(error)]


def nobody_told(error: Exception) -> Problem:
    """The warning of a message that could not be sent at all."""
    if isinstance(error, NimwrapError):
        return Problem("notify", f"nobody was told: {error.message}", error.hint)
    _log.debug("notify", exc_info=error)
    return Problem("notify", f"nobody was told: a bug in nimwrap: {type(error).__name__}")


@dataclass(frozen=True)
class _Teller:
    """What every message is made from."""

    config: Config
    store: History
    reader: Queries
    now: datetime

    def news(self, to: Recipients, found: Protection) -> list[Problem]:
        """What is new to them, if anything."""
        from nimwrap.monitoring.alerts.alert_states import News, news, states_of
        from nimwrap.monitoring.alerts.delivery_log import delivered, note
        from nimwrap.monitoring.alerts.digest import digest
        from nimwrap.monitoring.alerts.recipients import site_name

        states, site = states_of(found), site_name(self.config)
        fresh = News()

        def decide(before: States) -> tuple[str, bool]:
            nonlocal fresh
            fresh = news(found, before, states, to.on)
            return digest(fresh, found, site).subject if fresh else "nothing to tell", bool(fresh)

        noted = note(self.store, states, decide, self.now, to.memory)
        if noted is None or not noted.send:
            return []
        return self._sent(to, digest(fresh, found, site), lambda: delivered(self.store, noted, states))

    def week(self, to: Recipients, found: Protection) -> list[Problem]:
        """The digest of this week, unless they have it."""
        from nimwrap.monitoring.alerts.recipients import site_name
        from nimwrap.monitoring.alerts.weekly import claim_week, week_sent, weekly_digest

        row = claim_week(self.store, to.memory, self.now)
        if row is None:
            return []
        message = weekly_digest(found, self.reader, site_name(self.config), self.now)
        return self._sent(to, message, lambda: week_sent(self.store, row))

    def _sent(self, to: Recipients, message: DigestMessage, record: Callable[[], None]) -> list[Problem]:
        from nimwrap.monitoring.alerts.alert_channels import deliver

        deliveries = deliver(to.urls, message, to.place)
        if any(not delivery.trouble for delivery in deliveries):
            record()
        return [Problem("notify", f"{one.place}: {one.trouble}", HINT) for one in deliveries if one.trouble]
