"""Room for images as the last runs saw it, and when it will be used up: from the history alone, no master is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nimwrap.config.model import Config
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import ImageSize
from nimwrap.history.ports import Queries
from nimwrap.images.capacity import RECENT, Forecast, Need, PastImages, forecast, needs_of, under
from nimwrap.images.kinds.registry import home, kinds_of

_IMAGES = 30
"""Images of a client that its growth is read from."""


@dataclass(frozen=True)
class RoomForImages:
    """One filesystem of a master: ``seen`` is when its free bytes were measured by a run."""

    master: str
    seen: datetime
    forecast: Forecast


def rooms(reader: Queries, config: Config, refs: Sequence[ClientRef], now: datetime) -> list[RoomForImages]:
    """The filesystems that the newest runs measured, with the forecast of each, the fullest first."""
    measured = _measured(reader)
    places = {ref: place for ref in refs if (place := _mount_of(config, ref, measured)) is not None}
    images = reader.image_sizes_of([(ref.master, ref.client) for ref in places], PLAIN_KIND, _IMAGES)
    past = past_of_all(reader, config, places)
    mounts: dict[tuple[str, str], dict[str, list[ImageSize]]] = {}
    for ref, place in places.items():
        of_mount = mounts.setdefault(place, {})
        if rows := images.get((ref.master, ref.client)):
            of_mount[ref.client] = rows
    found = []
    for (master, mount), histories in mounts.items():
        seen, free = measured[master, mount]
        keep = {client: config.policy(master, client).keep for client in histories}
        refs_there = [ClientRef(master, client) for client in histories]
        needs = [each for ref in refs_there for each in needs_of(config, ref, past[ref], filesystem=mount, now=now)]
        needs = needs or [Need("", mount, None)]
        parallel = config.masters[master].most_parallel if master in config.masters else 1
        found.append(RoomForImages(master, seen, forecast(needs, histories, keep, free, parallel, now)))
    return sorted(found, key=lambda room: room.forecast.free_bytes)


def _measured(reader: Queries) -> dict[tuple[str, str], tuple[datetime, int]]:
    """By master and mount point: when and what the newest of all clients' last runs measured."""
    return {
        (seen.master, seen.mounted_on): (parse_rfc3339(seen.started), seen.free_bytes)
        for seen in reader.space_measured()
    }


def _mount_of(config: Config, ref: ClientRef, measured: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The measured filesystem that this client's images go to."""
    directory = home(ref.client, config.policy(ref.master, ref.client))
    fitting = [place for place in measured if place[0] == ref.master and under(directory, place[1])]
    return max(fitting, key=lambda place: len(place[1]), default=None)


def past_of_all(reader: Queries, config: Config, refs: Iterable[ClientRef]) -> dict[ClientRef, dict[str, PastImages]]:
    """What the history has of all of them, in two queries for each kind."""
    of_kind: dict[str, list[ClientRef]] = {}
    for ref in refs:
        for kind in kinds_of(config.policy(ref.master, ref.client), ref.client):
            of_kind.setdefault(kind, []).append(ref)
    past: dict[ClientRef, dict[str, PastImages]] = {}
    for kind, those in of_kind.items():
        keys = [(ref.master, ref.client) for ref in those]
        sizes, present = reader.sizes_of(keys, kind, RECENT), reader.images_of(keys, kind)
        for ref, key in zip(those, keys, strict=True):
            past.setdefault(ref, {})[kind] = PastImages(sizes.get(key, ()), present.get(key, ()))
    return past
