"""What a TARGET on the command line or in a schedule means (INTERFACE section 2)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef


def means(target: str, ref: ClientRef) -> bool:
    """True when a client name, ``master/client`` or a glob of either means this client."""
    name = str(ref) if "/" in target else ref.client
    if not any(sign in target for sign in "*?["):
        return target == name
    return fnmatchcase(name, target)
