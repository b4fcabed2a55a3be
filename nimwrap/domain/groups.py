"""Groups of the configuration taken apart, groups within groups too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import GROUP, matches

Groups = Mapping[str, Sequence[str]]


class Wanted(NamedTuple):
    """One target without its groups. ``group``: the outermost one that it came from, empty when it was written out."""

    target: str
    group: str = ""


def expanded(targets: Iterable[str], groups: Groups) -> Iterator[Wanted]:
    """The targets in order, groups replaced by their members; a group that there is none of stays as it is.

    A group inside itself adds nobody; the configuration refuses such a circle when it is loaded.
    """
    for target in targets:
        group = target.removeprefix(GROUP)
        if group == target:
            yield Wanted(target)
        else:
            yield from _members(group, groups, group, frozenset())


def _members(name: str, groups: Groups, outermost: str, inside: frozenset[str]) -> Iterator[Wanted]:
    if name not in groups:
        yield Wanted(f"{GROUP}{name}", outermost)
        return
    for member in groups[name]:
        inner = member.removeprefix(GROUP)
        if inner == member:
            yield Wanted(member, outermost)
        elif inner not in inside and inner != name:
            yield from _members(inner, groups, outermost, inside | {name})


def means(targets: Iterable[str], groups: Groups, ref: ClientRef) -> bool:
    """Whether one of the targets means this client."""
    return any(matches(wanted.target, ref) for wanted in expanded(targets, groups))
