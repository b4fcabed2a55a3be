"""Keys of ``[backup]`` and ``[retry]`` for a whole group: the tables ``[clients."group:NAME"]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import GROUP, matches

Groups = Mapping[str, Sequence[str]]


def layers_of(policies: Mapping[str, Mapping[str, Any]], groups: Groups, ref: ClientRef) -> Iterator[Mapping[str, Any]]:
    """The tables of the groups that a client is in, in the order of the file: a later one wins."""
    for name, values in policies.items():
        if is_member(name, groups, ref):
            yield values


def is_member(group: str, groups: Groups, ref: ClientRef, inside: frozenset[str] = frozenset()) -> bool:
    """Whether a client is in a group, or in a group within it."""
    for member in groups.get(group, ()):
        inner = member.removeprefix(GROUP)
        if inner == member:
            if matches(member, ref):
                return True
        elif inner not in inside and is_member(inner, groups, ref, inside | {group}):
            return True
    return False
