"""What a TARGET may look like (INTERFACE section 2): a name, ``master/client``, a glob of either, or ``group:NAME``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef

GROUP = "group:"
EVERYONE = "*"
_WILD = frozenset("*?[")
_SHOWN = 80


def is_glob(target: str) -> bool:
    """True when the target may mean any number of clients."""
    return bool(_WILD & set(target))


def matches(target: str, ref: ClientRef) -> bool:
    """True when a client name, ``master/client`` or a glob of either means this client."""
    if target == EVERYONE:
        return True
    name = str(ref) if "/" in target else ref.client
    return fnmatchcase(name, target) if is_glob(target) else target == name


def may_be_of(glob: str, master: str) -> bool:
    """True when a glob may match clients of this master, whoever they are."""
    return fnmatchcase(master, glob.partition("/")[0]) if "/" in glob else True


def shown(text: str) -> str:
    """Text from outside as it may be printed: escaped, and cut."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
