"""What an earlier process left behind, taken up again at the start of this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nimwrap.backup.recovery import recover
from nimwrap.backup.unfinished_attempt import Recovered
from nimwrap.domain.clock import Interrupted
from nimwrap.domain.errors import NimwrapError
from nimwrap.fleet.session import Session
from nimwrap.history.ports import Queries
from nimwrap.master_context import MasterContext

Recover = Callable[[MasterContext, Queries, bool], Recovered]


def recover_master(context: MasterContext, reader: Queries, wait: bool) -> Recovered:
    """``nimwrap recover`` of one master; ``wait``: follow operations that still run to their end."""
    return recover(context, reader, wait=wait)


def adopt(session: Session, masters: Iterable[str], *, wait: bool, recovering: Recover = recover_master) -> list[str]:
    """Take up every open run of these masters whose owner is gone; returns sentences about what was done."""
    said: list[str] = []
    for master in masters:
        try:
            done = recovering(session.master_context(master), session.reader, wait)
        except Interrupted:
            return said
        except NimwrapError as error:
            said.append(f"{master}: open runs could not be taken up: {error.message}")
            continue
        said += [f"{master}: run {run} of an earlier process is closed" for run in done.closed]
        said += [f"{master}: run {run} of an earlier process goes on" for run in done.running]
        said += [f"{master}: {note}" for note in done.notes]
    return said
