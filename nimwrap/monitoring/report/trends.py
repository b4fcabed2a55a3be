"""How large a client's images are and how long they take, night after night: the last few only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nimwrap.domain.ref import Key
from nimwrap.history.ports import Queries

POINTS = 20
"""Images that a trend shows."""


@dataclass(frozen=True)
class Trend:
    """Bytes and seconds, oldest first."""

    sizes: tuple[int, ...]
    durations: tuple[int, ...]


def trends(reader: Queries, kinds: Mapping[Key, str]) -> dict[Key, Trend]:
    """Of each client with the kind of its images: the last proven ones, and the last runs that made one."""
    found = {}
    for kind in sorted(set(kinds.values())):
        keys = [key for key, own in kinds.items() if own == kind]
        sizes = reader.sizes_of(keys, kind, POINTS)
        took = reader.durations_of(keys, kind, POINTS)
        for key in keys:
            found[key] = Trend(tuple(reversed(sizes.get(key, ()))), tuple(reversed(took.get(key, ()))))
    return found
