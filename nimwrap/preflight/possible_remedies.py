"""Which remedies may be used here, in which order, and what stands in the way of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nimwrap.config.model import REMEDIES, BackupPolicy
from nimwrap.preflight.check_context import CheckContext
from nimwrap.remedies.base import Obstacle
from nimwrap.remedies.registry import remedy


def remedies_in_order(policy: BackupPolicy, proven: Sequence[str]) -> tuple[str, ...]:
    """The remedies that the configuration allows: those that worked on this master first, latest success first.

    In the flat layout other clients' images lie in the same directory, so a remedy must open one of its own.
    """
    if policy.export_change == "never":
        return ()
    allowed = [name for name in policy.remedies if policy.layout != "flat" or remedy(name).own_directory]
    rank = {name: index for index, name in enumerate(proven)}
    return tuple(sorted(allowed, key=lambda name: rank.get(name, len(rank))))


def obstacles(s: CheckContext, names: Sequence[str] = REMEDIES) -> Mapping[str, Obstacle]:
    """What keeps each of these remedies from working beside what stands there now; not named: nothing does."""
    return {name: found for name in names if (found := remedy(name).obstacle(s)) is not None}


def possible_remedies(s: CheckContext) -> tuple[str, ...]:
    """Those that the configuration allows and that can work beside what the master exports now, in order."""
    allowed = remedies_in_order(s.policy, s.prior.remedies_proven)
    barred = obstacles(s, allowed)
    return tuple(name for name in allowed if name not in barred)
