"""How large a client's images are and how long they take, night after night: the last few only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nimwrap.domain.ref import ClientRef
from nimwrap.history.ports import Queries
from nimwrap.images.capacity import PastImages
from nimwrap.monitoring.report.capacity_view import KindsPast

POINTS = 20
"""Images that a trend shows."""


@dataclass(frozen=True)
class Trend:
    """Bytes and seconds, oldest first."""

    sizes: list[int]
    durations: list[int]


def trends(
    reader: Queries, past: Mapping[ClientRef, KindsPast], kinds: Mapping[ClientRef, str]
) -> dict[ClientRef, Trend]:
    """Of each client with the kind of its images: the last proven ones, and the last runs that made one."""
    found = {}
    for kind in sorted(set(kinds.values())):
        refs = [ref for ref, own in kinds.items() if own == kind]
        took = reader.durations_of([(ref.master, ref.client) for ref in refs], kind, POINTS)
        for ref in refs:
            sizes = past[ref].get(kind, PastImages()).series.sizes[:POINTS]
            found[ref] = Trend(list(sizes[::-1]), took.get((ref.master, ref.client), [])[::-1])
    return found
