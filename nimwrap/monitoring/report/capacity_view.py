"""Room for images as the last runs saw it, and when it will be used up: from the history alone, no master is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nimwrap.config.model import Config
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import ImageSeries
from nimwrap.history.ports import Queries
from nimwrap.images.capacity import Forecast, Generations, Need, PastImages, forecast, needs_of, under
from nimwrap.images.kinds.registry import home, kinds_of

LAST = 30
"""Images of a client and kind that its growth is read from."""
KindsPast = Mapping[str, PastImages]
"""Of one client, by kind."""


@dataclass(frozen=True)
class RoomForImages:
    """One filesystem of a master: ``seen`` is when its free bytes were measured by a run."""

    master: str
    seen: datetime
    forecast: Forecast


def rooms(reader: Queries, config: Config, past: Mapping[ClientRef, KindsPast], now: datetime) -> list[RoomForImages]:
    """The filesystems that the newest runs measured, with the forecast of each, the fullest first."""
    measured = _measured(reader)
    mounts: dict[tuple[str, str], list[ClientRef]] = {}
    for ref in past:
        place = _mount_of(config, ref, measured)
        if place is not None:
            mounts.setdefault(place, []).append(ref)
    found = []
    for (master, mount), refs in mounts.items():
        seen, free = measured[master, mount]
        writing = {ref.client: images for ref in refs if (images := _generations(config, ref, past[ref])).series.sizes}
        needs = [
            need
            for ref in refs
            if ref.client in writing
            for need in needs_of(config, ref, past[ref], filesystem=mount, now=now)
        ]
        parallel = config.masters[master].most_parallel if master in config.masters else 1
        room = forecast(needs or [Need("", mount, None)], writing, free, parallel, now)
        found.append(RoomForImages(master, seen, room))
    return sorted(found, key=lambda room: room.forecast.free_bytes)


def _generations(config: Config, ref: ClientRef, past: KindsPast) -> Generations:
    images = past.get(PLAIN_KIND, PastImages())
    present = sum(row.verified for row in images.present)
    return Generations(images.series, present, config.policy(ref.master, ref.client).keep)


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


def past_of_all(reader: Queries, config: Config, refs: Iterable[ClientRef]) -> Mapping[ClientRef, KindsPast]:
    """What the history has of all of them, in two queries for each kind."""
    of_kind: dict[str, list[ClientRef]] = {}
    for ref in refs:
        for kind in kinds_of(config.policy(ref.master, ref.client), ref.client):
            of_kind.setdefault(kind, []).append(ref)
    past: dict[ClientRef, dict[str, PastImages]] = {}
    for kind, those in of_kind.items():
        keys = [(ref.master, ref.client) for ref in those]
        series, present = reader.image_series_of(keys, kind, LAST), reader.images_of(keys, kind)
        for ref, key in zip(those, keys, strict=True):
            past.setdefault(ref, {})[kind] = PastImages(series.get(key, ImageSeries()), present.get(key, ()))
    return past
