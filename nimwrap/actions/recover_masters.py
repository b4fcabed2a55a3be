"""Finish what a crash left on masters: adopt running operations, confirm undone exports, close runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nimwrap.backup.recovery import recover, take_over_foreign
from nimwrap.backup.unfinished_attempt import Recovered
from nimwrap.copies.settle_copies import settle_copies
from nimwrap.domain.codes import MASTER_TROUBLE
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.drills.run_drill import settle_drills
from nimwrap.fleet.session import Session, open_session
from nimwrap.hooks.sweep_hooks import sweep_hooks

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


def take_over_run(config: Config, run: str, *, tell: Callable[[Progress], None]) -> RecoveredMasters:
    """Finish a run of another installation, on the master in whose spool it lies, once it is proven to be nobody's.

    Raises a usage error when no spool has it, a master's trouble when that cannot be known.
    """
    found = RecoveredMasters()
    with open_session(config, tell=tell) as session:
        for master in session.hosts:
            try:
                done = take_over_foreign(session.master_context(master), session.reader, run)
            except NimwrapError as error:
                if error.code not in MASTER_TROUBLE:
                    raise
                found.troubles[master] = error
                continue
            if done is not None:
                return RecoveredMasters({master: done})
    if found.troubles:
        return found
    raise usage_error(f"no master has a run {run} in its spool", "nimwrap doctor lists what lies there")


def recover_in(session: Session, masters: Iterable[str], *, wait: bool = False) -> RecoveredMasters:
    """The same of some masters of an open session: done before anything else is done there."""
    found = RecoveredMasters()
    for master in masters:
        try:
            context = session.master_context(master)
            found.done[master] = recover(context, session.reader, wait=wait)
            found.done[master].cleaned.extend(settle_copies(context))
            found.done[master].cleaned.extend(settle_drills(context))
            sweep_hooks(context)
        except NimwrapError as error:
            found.troubles[master] = error
    return found
