"""What a TARGET of a command line or a schedule means (INTERFACE section 2), and what is said when it means nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nimwrap.domain.errors import NimwrapError
    from nimwrap.domain.ref import ClientRef

GROUP = "group:"
_WILD = frozenset("*?[")
_SHOWN = 80
_LONGEST = 255


def is_glob(target: str) -> bool:
    """True when the target may mean any number of clients."""
    return bool(_WILD & set(target))


def matches(target: str, ref: ClientRef) -> bool:
    """True when a client name, ``master/client`` or a glob of either means this client."""
    name = str(ref) if "/" in target else ref.client
    return fnmatchcase(name, target) if is_glob(target) else target == name


def members_of(groups: Mapping[str, Sequence[str]], name: str) -> Sequence[str]:
    """The targets of a group; a usage error with the nearest name when there is none of that name."""
    if name in groups:
        return groups[name]
    from nimwrap.domain.errors import usage_error

    near = nearest(name, groups, prefix=GROUP)
    raise usage_error(f"there is no group {shown(name)}", near or "groups stand in [groups] of the configuration")


def unknown_client(target: str, known: Iterable[ClientRef]) -> NimwrapError:
    """A usage error (the command line is wrong: INTERFACE section 4) with the nearest name that is known."""
    from nimwrap.domain.codes import ExitCode
    from nimwrap.domain.errors import NimwrapError

    names = dict.fromkeys(str(ref) if "/" in target else ref.client for ref in known)
    hint = nearest(target, names) or "`nimwrap status` lists the clients that are known"
    if not names:
        hint = "no client is known here yet; `nimwrap status --refresh` asks the masters"
    said = f"no client matches {shown(target)}" if is_glob(target) else f"no client is called {shown(target)}"
    client = target if shown(target) == repr(target) and not is_glob(target) else None
    return NimwrapError(said, "usage", hint, exit_code=ExitCode.USAGE, client=client)


def nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """The question whether one or two similar names were meant; empty when there is none."""
    from difflib import get_close_matches

    near = [f"{prefix}{one}" for one in sorted(get_close_matches(name[:_LONGEST], list(names), 2, 0.5))]
    return f"did you mean {' or '.join(near)}?" if near else ""


def shown(text: str) -> str:
    """Text from outside as it may be printed: escaped, and cut."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
