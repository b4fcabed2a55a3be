"""From targets to clients: one pure function that every command, every schedule and the completion use.

Each caller decides only what an unresolved target is: a wrong call, a row that failed, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nimwrap.clients.known_clients import KnownClients
from nimwrap.domain.groups import Groups, Wanted, expanded
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.domain.target_names import EVERYONE, GROUP, is_glob, matches, may_be_of


class UnresolvedReason(StrEnum):
    """Why a target means no client."""

    UNKNOWN = "unknown"
    UNKNOWN_GROUP = "unknown_group"
    AMBIGUOUS = "ambiguous"
    NO_IMAGE_OF_MASTER = "no_image_of_master"


@dataclass(frozen=True)
class Unresolved:
    """A target that means no client. ``group``: the one that has it in it; ``candidates``: between whom it is open."""

    target: str
    reason: UnresolvedReason
    group: str = ""
    candidates: tuple[ClientRef, ...] = ()


@dataclass(frozen=True)
class Selection:
    """The clients that targets mean, each once, in their order; excluded ones are among them.

    ``named``: those written out, without glob or group. ``unreachable_masters``: masters that could not be asked and
    of which no client is known, where clients of theirs may be meant.
    """

    refs: tuple[ClientRef, ...] = ()
    named: frozenset[ClientRef] = frozenset()
    unresolved: tuple[Unresolved, ...] = ()
    unreachable_masters: tuple[str, ...] = ()

    @property
    def all_of_a_name(self) -> tuple[ClientRef, ...]:
        """The clients, of a name that several masters know each of them: to those who only look all are meant."""
        return tuple(dict.fromkeys((*self.refs, *(ref for each in self.unresolved for ref in each.candidates))))


def select(targets: Iterable[str], known: KnownClients, groups: Groups) -> Selection:
    """The clients that the targets mean.

    While a master is out of reach, a plain name that nobody knows is taken to be a client of it: its run then tells
    of the master's trouble. ``*`` means whoever is there, also when that is nobody.
    """
    refs: dict[ClientRef, None] = {}
    named: set[ClientRef] = set()
    unresolved: dict[Unresolved, None] = {}
    unreachable: dict[str, None] = {}
    for wanted in dict.fromkeys(expanded(targets, groups)):
        if is_glob(wanted.target):
            found = [ref for ref in known.refs if matches(wanted.target, ref)]
            open_ = [master for master in known.unknown_masters if may_be_of(wanted.target, master)]
            refs.update(dict.fromkeys(ref for ref in found if ref not in known.unfit))
            unreachable.update(dict.fromkeys(open_))
            if not (found or open_ or wanted.target == EVERYONE):
                unresolved[Unresolved(wanted.target, UnresolvedReason.UNKNOWN, wanted.group)] = None
            continue
        one = _one(wanted, known)
        if isinstance(one, Unresolved):
            unresolved[one] = None
            continue
        refs[one] = None
        if not wanted.group:
            named.add(one)
    return Selection(tuple(refs), frozenset(named), tuple(unresolved), tuple(unreachable))


def _one(wanted: Wanted, known: KnownClients) -> ClientRef | Unresolved:
    """The client that a plain name or ``master/client`` means."""
    target, group = wanted
    if target.startswith(GROUP):
        return Unresolved(target, UnresolvedReason.UNKNOWN_GROUP, group if f"{GROUP}{group}" != target else "")
    found = known.by_name.get(target, ())
    if len(found) == 1:
        return found[0]
    if found:
        return Unresolved(target, UnresolvedReason.AMBIGUOUS, group, found)
    master, slash, client = target.rpartition("/")
    if client == MASTER:
        return Unresolved(target, UnresolvedReason.NO_IMAGE_OF_MASTER, group)
    if not slash:
        master = next(iter(known.unreachable), "")
    if master in known.unreachable and is_nim_name(client):
        return ClientRef(master, client)
    return Unresolved(target, UnresolvedReason.UNKNOWN, group)
