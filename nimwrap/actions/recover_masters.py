"""Finish what a crash left on masters: adopt running operations, confirm undone exports, close runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nimwrap.backup.recovery import recover
from nimwrap.backup.unfinished_attempt import Recovered
from nimwrap.domain.errors import NimwrapError
from nimwrap.fleet.session import Session, open_session

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.progress import Progress


@dataclass(frozen=True)
class RecoveredMasters:
    """By master what was done, or why it could not be asked."""

    done: dict[str, Recovered] = field(default_factory=dict)
    troubles: dict[str, NimwrapError] = field(default_factory=dict)


def recover_masters(config: Config, *, wait: bool, tell: Callable[[Progress], None]) -> RecoveredMasters:
    """Recover every master; ``wait``: follow operations that still run to their end."""
    with open_session(config, tell=tell) as session:
        return recover_in(session, session.hosts, wait=wait)


def recover_in(session: Session, masters: Iterable[str], *, wait: bool = False) -> RecoveredMasters:
    """The same of some masters of an open session: done before anything else is done there."""
    found = RecoveredMasters()
    for master in masters:
        try:
            found.done[master] = recover(session.master_context(master), session.reader, wait=wait)
        except NimwrapError as error:
            found.troubles[master] = error
    return found
