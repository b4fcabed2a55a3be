"""Room for images: what tonight needs at its worst moment, when a filesystem will be full, and which client grows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import fsum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nimwrap.aix import df
from nimwrap.config.model import Config
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import format_size, parse_rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ClientRef
from nimwrap.domain.retention import Action
from nimwrap.history.model import ImageRow, ImageSeries
from nimwrap.images.kinds.registry import home, image_names, images_of
from nimwrap.images.master_catalog import MasterCatalog, MasterState
from nimwrap.images.prune import in_series, plan_prune, removed_after, series

if TYPE_CHECKING:
    from nimwrap.history.ports import Queries

MARGIN = 1.2
"""How much larger than the largest recent image the next may be expected to be."""
RECENT = 5
TREND = timedelta(days=14)
"""Over less time than this, and from fewer than RECENT images, nothing is foretold: a few nights are no trend."""
FAR = 730
"""Days that a forecast looks ahead."""


@dataclass(frozen=True)
class Need:
    """One image about to be made. ``frees_bytes``: what retention removes once it is proven; ``prunable``: what it
    would remove already now, as (resource or location, bytes). ``size_bytes`` None: nothing is known yet."""

    client: str
    filesystem: str
    size_bytes: int | None
    frees_bytes: int = 0
    prunable: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Growth:
    client: str
    bytes_per_day: float


@dataclass(frozen=True)
class Forecast:
    """``worst_bytes``: the most that one round of backups takes beyond today's; ``full_on`` None: not in sight.

    ``grounded``: whether there are images enough, over days enough, to tell the future from.
    """

    filesystem: str
    free_bytes: int
    worst_bytes: int
    full_on: datetime | None
    growing: tuple[Growth, ...] = ()
    grounded: bool = False


def next_image_bytes(sizes: Sequence[int]) -> int | None:
    """What the next image may need, by the sizes of the last proven ones, newest first; None without any.

    The only such estimate: preflight, fleet, forecast and report refuse and warn by the same figure.
    """
    return int(max(sizes[:RECENT]) * MARGIN) if sizes else None


_NONE = ImageSeries()


@dataclass(frozen=True)
class PastImages:
    """What the history has of one client and kind: the last proven images, and those that are there."""

    series: ImageSeries = _NONE
    present: Sequence[ImageRow] = ()


def past_images(reader: Queries, config: Config, ref: ClientRef) -> dict[str, PastImages]:
    """Of one client, by each kind that is made of it."""
    return {
        kind: PastImages(
            ImageSeries(reader.sizes(ref.master, ref.client, kind)), reader.images(ref.master, ref.client, kind=kind)
        )
        for kind, _ in images_of(config.policy(ref.master, ref.client), ref.client)
    }


def needs_of(
    config: Config, ref: ClientRef, past: Mapping[str, PastImages], *, filesystem: str, now: datetime
) -> list[Need]:
    """The needs of one client, one for each image that is made of it. One of a kind without a past is asked of NIM by
    its own run, with size_preview."""
    policy = config.policy(ref.master, ref.client)
    needs = []
    for kind, group in images_of(policy, ref.client):
        of_kind = past.get(kind, PastImages())
        mine = of_kind.present
        if group:
            name = PurePosixPath(image_names(kind, ref.client, policy, now, group).location).stem
            mine = in_series(mine, series(ref, kind, name))
        # Whatever goes has as many newer ones as are kept, so of no more than those nothing goes.
        judged = plan_prune(mine, config, frozenset(), MasterState({}), now) if len(mine) > policy.keep else []
        prunable = [decision.row for decision in judged if decision.action == Action.REMOVE]
        freed = removed_after(mine, policy, now)
        needs.append(
            Need(
                ref.client,
                filesystem,
                next_image_bytes(of_kind.series.sizes),
                sum(gone.row.size_bytes for gone in freed),
                tuple((row.resource or row.location, row.size_bytes) for row in prunable),
            )
        )
    return needs


def worst_moment(needs: Sequence[Need], parallel: int) -> int:
    """The most bytes beyond today's that are taken at once, with ``parallel`` images being written at a time.

    An image counts in full from its start; what it replaces is only freed after its proof.
    """
    taken = freed = worst = 0
    for number, need in enumerate(needs):
        taken += need.size_bytes or 0
        finished = number + 1 - max(parallel, 1)
        freed += needs[finished - 1].frees_bytes if finished > 0 else 0
        worst = max(worst, taken - freed)
    return worst


def fits(needs: Iterable[Need], free_bytes: Mapping[str, int], parallel: int) -> dict[str, Failure]:
    """By client, why it must not start tonight: its filesystem cannot hold the worst moment of those up to it.

    Clients are taken in the order given; one that does not fit leaves its room to those after it.
    """
    refused: dict[str, Failure] = {}
    accepted: dict[str, list[Need]] = {}
    everything = list(needs)
    for need in everything:
        beside = accepted.setdefault(need.filesystem, [])
        worst = worst_moment([*beside, need], parallel)
        free = free_bytes.get(need.filesystem)
        if free is None or need.size_bytes is None or worst <= free:
            beside.append(need)
            continue
        others = [other for other in everything if other.filesystem == need.filesystem]
        refused[need.client] = _short(need, worst, free, others)
    return refused


def _short(need: Need, worst: int, free: int, others: Sequence[Need]) -> Failure:
    prunable = [item for other in others for item in other.prunable]
    total = sum(size for _, size in prunable)
    if prunable:
        named = ", ".join(f"{name} ({format_size(size)})" for name, size in prunable[:5])
        fix = f"`nimwrap images prune` would free {format_size(total)}: {named}{', ...' if len(prunable) > 5 else ''}."
    else:
        fix = "Pruning would free nothing: lower `keep`, move images away, or enlarge the filesystem."
    return Failure(
        FailureCode.SPACE_SHORT,
        f"{need.filesystem} has {format_size(free)} free; with {need.client} ({format_size(need.size_bytes or 0)}) "
        f"tonight's worst moment takes {format_size(worst)}",
        fix,
    )


def _tells_a_trend(count: int, days: float) -> bool:
    """Whether so many images over so long are enough to foretell anything from."""
    return count >= RECENT and days >= TREND.days


@dataclass(frozen=True)
class Generations:
    """One client's images over time: the last proven ones, how many are ``present``, and how many are kept."""

    series: ImageSeries
    present: int
    keep: int

    def line(self) -> Line:
        """As a straight line; there must be at least one image."""
        days = [made / 86400 for made in self.series.made]
        gaps = sorted([later - earlier for later, earlier in pairwise(days)])
        return Line(
            self.present,
            max(self.keep, self.present),
            max(gaps[len(gaps) // 2] if gaps else 7.0, 0.5),
            float(self.series.sizes[0]),
            growth(days, self.series.sizes),
        )


def growth(days: Sequence[float], sizes: Sequence[int]) -> float:
    """Bytes a day by which images grow, newest first: the slope of the line through them; 0 while too few."""
    if not days or not _tells_a_trend(len(days), days[0] - days[-1]):
        return 0.0
    day, size = fsum(days) / len(days), sum(sizes) / len(sizes)
    from_mean = [each - day for each in days]
    spread = sum([each * each for each in from_mean])
    return sum([x * (y - size) for x, y in zip(from_mean, sizes, strict=True)]) / spread if spread else 0.0


def _tell_a_trend(clients: Iterable[Generations]) -> bool:
    """Whether the images of all of them together are."""
    made = [images.series.made for images in clients if images.series.made]
    over_s = max((each[0] for each in made), default=0) - min((each[-1] for each in made), default=0)
    return _tells_a_trend(sum(map(len, made)), over_s / 86400)


@dataclass(frozen=True)
class Line:
    """One client's images as a straight line: how many there are, how often one comes, how large, how fast it grows."""

    count: int
    most: int
    every_days: float
    size: float
    slope: float

    def added(self, day: int) -> float:
        """Bytes beyond today's after ``day`` days."""
        count = min(self.count + day / self.every_days, self.most)
        replaced = min(day / self.every_days, count)
        return (count - self.count) * self.size + replaced * max(self.slope, 0.0) * day


def forecast(
    needs: Sequence[Need], clients: Mapping[str, Generations], free_bytes: int, parallel: int, now: datetime
) -> Forecast:
    """What becomes of one filesystem, by the images of the clients that write to it."""
    lines = {client: images.line() for client, images in clients.items() if images.series.sizes}
    moving = [line for line in lines.values() if line.slope > 0 or line.count < line.most]
    days = range(1, FAR)
    # What the lines add never falls, so the first day that it is too much can be searched for by halves.
    first = bisect_left(days, True, key=lambda day: sum([line.added(day) for line in moving]) > free_bytes)
    grounded = _tell_a_trend(clients.values())
    told = first < len(days) and grounded
    full_on = now + timedelta(days=days[first]) if told else None
    growing = sorted(
        (Growth(client, line.slope) for client, line in lines.items() if line.slope > 0),
        key=lambda each: each.bytes_per_day,
        reverse=True,
    )
    name = needs[0].filesystem if needs else ""
    return Forecast(name, free_bytes, worst_moment(needs, parallel), full_on, tuple(growing[:5]), grounded)


def outlook(reader: Queries, config: Config, master: str, stock: MasterCatalog, now: datetime) -> list[Forecast]:
    """The forecast of every filesystem that a configured or recorded client of this master writes to."""
    mounts: dict[str, df.Filesystem] = {one.mounted_on: one for one in stock.filesystems.values()}
    clients: dict[str, dict[str, list[ImageRow]]] = {}
    for row in reader.images(master, removed=True):
        directory = home(row.client, config.policy(master, row.client))
        mount = next((one.mounted_on for root, one in stock.filesystems.items() if under(directory, root)), None)
        if mount is not None and row.verified and row.managed:
            clients.setdefault(mount, {}).setdefault(row.client, []).append(row)
    forecasts = []
    for mount, rows in clients.items():
        needs = [
            need
            for ref in (ClientRef(master, client) for client in rows)
            for need in needs_of(config, ref, past_images(reader, config, ref), filesystem=mount, now=now)
        ]
        generations = {
            client: _generations(of_client, config.policy(master, client).keep) for client, of_client in rows.items()
        }
        free = mounts[mount].free_bytes
        if free is not None:
            forecasts.append(forecast(needs, generations, free, config.masters[master].most_parallel, now))
    return forecasts


def _generations(rows: Iterable[ImageRow], keep: int) -> Generations:
    newest_first = sorted(rows, key=lambda row: (row.created, row.id), reverse=True)
    series = ImageSeries(
        [row.size_bytes for row in newest_first], [int(parse_rfc3339(row.created).timestamp()) for row in newest_first]
    )
    return Generations(series, sum(row.removed is None for row in newest_first), keep)


def under(path: str, root: str) -> bool:
    """True when ``path`` is ``root`` or lies below it."""
    return f"{path}/".startswith(f"{root.rstrip('/')}/")
