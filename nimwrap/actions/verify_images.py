"""Look at images again: quickly, or to their end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.actions.prune_images import ChosenImages
from nimwrap.actions.recover_masters import recover_in
from nimwrap.domain.errors import NimwrapError
from nimwrap.fleet.session import open_session
from nimwrap.images.observed_state import observe
from nimwrap.images.reverify import Budget, Check, due_for_full, oldest_first, verify, writing_in

if TYPE_CHECKING:
    from nimwrap.config.model import Config


@dataclass(frozen=True)
class VerifyRequest:
    """``full``: all are read to their end; ``due``: those that ``verify_full_every`` asks for."""

    full: bool
    due: bool
    budget: Budget
    now: datetime


@dataclass(frozen=True)
class VerifyResult:
    """``troubles``: why masters could not be asked."""

    checks: list[Check] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


def verify_images(
    config: Config, chosen: ChosenImages, request: VerifyRequest, tell: Callable[[Check], None]
) -> VerifyResult:
    """Look at the chosen images again, the oldest first; ``tell`` hears of each as it is done."""
    found = VerifyResult()
    with open_session(config) as session:
        masters = dict.fromkeys(row.master for row in chosen(session.reader))
        troubles = recover_in(session, masters).troubles
        for master in masters:
            if master in troubles:
                continue
            context = session.master_context(master)
            try:
                observe(context, request.now)
                mine = oldest_first(row for row in chosen(session.reader) if row.master == master)
                whole = mine if request.full else due_for_full(mine, config, request.now) if request.due else []
                busy = writing_in(context, session.reader)
                for check in verify(context, mine, whole, busy, request.budget, request.now):
                    tell(check)
                    found.checks.append(check)
            except NimwrapError as error:
                troubles[master] = error
        found.troubles.extend(troubles.values())
    return found
