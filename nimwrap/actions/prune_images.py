"""Retention: which images go, and their removal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.actions.recover_masters import recover_in
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.errors import NimwrapError
from nimwrap.fleet.session import open_session
from nimwrap.history.sqlite.queries import Reader
from nimwrap.hosts.connect import open_master
from nimwrap.images.mass_change import why_stopped
from nimwrap.images.master_catalog import MasterState, survey
from nimwrap.images.observed_state import observe
from nimwrap.images.prune import PruneDecision, held_clients, plan_prune, prune_clients
from nimwrap.images.sightings import as_seen

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.history.model import ImageRow

ChosenImages = Callable[[Reader], Sequence["ImageRow"]]
"""The images that a command is about, as the history has them."""


@dataclass(frozen=True)
class PruneResult:
    """``troubles``: why masters could not be asked."""

    decisions: list[PruneDecision] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


def plan_removals(config: Config, chosen: ChosenImages, now: datetime) -> PruneResult:
    """The decisions alone, nothing written. A master that cannot be asked only leaves open what is allocated there."""
    found = PruneResult()
    with Reader.open(config.database) as reader:
        rows, held = chosen(reader), held_clients(reader, now)
        stopped = {master: why_stopped(reader, master) for master in _by_master(rows)}
    for master, members in _by_master(rows).items():
        host = open_master(config.masters[master])
        try:
            state = survey(host, config.masters[master], [row.location for row in members])
        except NimwrapError as error:
            state = MasterState({})
            found.troubles.append(error)
        finally:
            host.close()
        state = replace(state, stopped=stopped[master])
        found.decisions.extend(plan_prune(as_seen(members, state.seen, now), config, held, state, now))
    return found


def prune_images(config: Config, chosen: ChosenImages, now: datetime, *, resume: bool = False) -> PruneResult:
    """Remove the images that no rule keeps, on every master that can be asked.

    ``resume``: a person has looked at what stopped removals, which go on from now.
    """
    found = PruneResult()
    with open_session(config) as session:
        for master in session.hosts if resume else ():
            if session.store.resume_removals(master, now):
                act = Act("prune", ActName.RESUME_REMOVALS, master)
                session.store.event(act, "removals go on: a person has looked", master=master, at=now)
        troubles = recover_in(session, _by_master(chosen(session.reader))).troubles
        held = held_clients(session.reader, now)
        for master in _by_master(chosen(session.reader)):
            if master in troubles:
                continue
            context = session.master_context(master)
            try:
                state = observe(context, now)
                planned = plan_prune(_by_master(chosen(session.reader))[master], config, held, state, now)
                found.decisions.extend(prune_clients(context, planned, now))
            except NimwrapError as error:
                troubles[master] = error
        found.troubles.extend(troubles.values())
    return found


def _by_master(rows: Sequence[ImageRow]) -> dict[str, list[ImageRow]]:
    masters: dict[str, list[ImageRow]] = {}
    for row in rows:
        masters.setdefault(row.master, []).append(row)
    return masters
