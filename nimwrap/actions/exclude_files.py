"""Look at what images of clients leave out, write what the configuration wants, or take the last change back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from nimwrap.domain.errors import NimwrapError
from nimwrap.fleet.session import open_session
from nimwrap.images.exclusions import ExclusionKeeper, Exclusions, nim_patterns

if TYPE_CHECKING:
    from datetime import datetime

    from nimwrap.config.model import Config
    from nimwrap.domain.ref import ClientRef
    from nimwrap.fleet.session import Session


class ExcludeMode(StrEnum):
    """What is done about a client's file."""

    LOOK = "look"
    APPLY = "apply"
    UNDO = "undo"


@dataclass
class ExcludedResult:
    """``troubles``: why masters could not be asked."""

    clients: list[Exclusions] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


def exclude_files(config: Config, refs: Sequence[ClientRef], act: ExcludeMode, now: datetime) -> ExcludedResult:
    """Look at every client, and do what is wanted; nothing but that file is changed."""
    done = ExcludedResult()
    with open_session(config) as session:
        for master in dict.fromkeys(ref.master for ref in refs):
            mine = [ref for ref in refs if ref.master == master]
            try:
                done.clients += _of_master(session, master, mine, act, now)
            except NimwrapError as error:
                done.troubles.append(error)
    return done


def _of_master(
    session: Session, master: str, refs: Sequence[ClientRef], act: ExcludeMode, now: datetime
) -> list[Exclusions]:
    host, config = session.hosts[master], session.config
    hosts = {row.name: row.host for row in session.reader.clients(master) if row.host}
    keeper = ExclusionKeeper(host, config.masters[master].client_channel, session.store, session.reader, now, hosts)
    nim = nim_patterns(host, [ref.client for ref in refs])
    found = [keeper.look(ref, config.policy(master, ref.client).exclude_rootvg, nim[ref.client]) for ref in refs]
    acts = {ExcludeMode.APPLY: keeper.apply, ExcludeMode.UNDO: keeper.undo}
    return [acts[act](seen) if act in acts and not seen.trouble else seen for seen in found]
