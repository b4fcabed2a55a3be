"""Carry out restores of the newest images of some clients, and measure how long each takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nimwrap.actions.recover_masters import recover_in
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.drills.base import NO_SANDBOX
from nimwrap.drills.drill_choice import newest_proven, oldest_first
from nimwrap.drills.levels import LEVELS
from nimwrap.drills.run_drill import DrillResult, run_drill
from nimwrap.drills.sandbox_rules import sandbox_named
from nimwrap.fleet.session import open_session

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.domain.ref import ClientRef
    from nimwrap.history.sqlite.queries import Reader


@dataclass(frozen=True)
class WantedDrill:
    """``on``: the name of a sandbox; None for the only one."""

    level: str
    on: str | None = None


@dataclass(frozen=True)
class DrillPass:
    """What came of it. ``troubles``: who has no image to drill with, and why masters could not be asked."""

    results: list[DrillResult] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


def drill_images(
    config: Config,
    chosen: Callable[[Reader], Sequence[ClientRef]],
    wanted: WantedDrill,
    tell: Callable[[DrillResult], None],
    *,
    only_oldest: bool,
) -> DrillPass:
    """Drill the chosen clients; with ``only_oldest`` the one of them that is next."""
    found, level = DrillPass(), LEVELS[wanted.level]
    sandbox = sandbox_named(config, wanted.on) if level.needs else NO_SANDBOX
    with open_session(config) as session:
        refs = [ref for ref in chosen(session.reader) if ref.master in config.masters]
        newest = newest_proven(session.reader.images())
        rows = oldest_first([newest[ref] for ref in refs if ref in newest], session.reader.last_drills())
        if only_oldest:
            rows = rows[:1]
        if not only_oldest or not rows:
            found.troubles.extend(_without_image(ref) for ref in refs if ref not in newest)
        asked = recover_in(session, dict.fromkeys(row.master for row in rows))
        found.troubles.extend(asked.troubles.values())
        for row in rows:
            if row.master in asked.troubles:
                continue
            session.clock.check()
            result = run_drill(session.master_context(row.master), row, level, sandbox)
            found.results.append(result)
            tell(result)
    return found


def _without_image(ref: ClientRef) -> NimwrapError:
    return NimwrapError(
        f"{ref.client} has no proven mksysb image to drill with",
        code=FailureCode.IMAGE_MISSING,
        hint=f"nimwrap backup {ref}",
        client=ref.client,
    )
