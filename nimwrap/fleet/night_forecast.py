"""How long a night will take by what the history says: who is meant, how long each takes, how many go at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nimwrap.config.image_limits import limit_names, most_of_each
from nimwrap.config.model import Config
from nimwrap.domain.ordering import predicted_seconds
from nimwrap.domain.parallelism import begin
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.admission import chain_of, detected_clusters, goes_first
from nimwrap.fleet.learned_parallel import memory_for
from nimwrap.fleet.queue import Queue, QueuedJob
from nimwrap.fleet.simulation import expected_end
from nimwrap.history.ports import Queries
from nimwrap.images.kinds.registry import images_of

SPARE = 1.1
"""A night that is to end inside its window is given this much more time than is expected."""


@dataclass(frozen=True)
class NightForecast:
    """``seconds``: until the last image is done; ``at_once``: how many of each master are made at once."""

    seconds: float
    at_once: Mapping[str, int]

    def latest_start_s(self, window_s: float) -> float:
        """How many seconds into a window the night may begin and still end inside it."""
        return max(0.0, window_s - SPARE * self.seconds)


def images_at_once(config: Config, reader: Queries, at: datetime) -> dict[str, int]:
    """By master, as configured; where that is learned, what a night that begins ``at`` then begins with."""
    return {
        name: begin(master.max_parallel_limit, memory_for(reader.learned_hours(name), at)).cap
        if master.learns_parallel
        else master.most_parallel
        for name, master in config.masters.items()
    }


def night_forecast(config: Config, reader: Queries, refs: Sequence[ClientRef], at: datetime) -> NightForecast | None:
    """The forecast of a night of these clients; None while too few of them were ever timed.

    Nobody writes faster than what the master was seen to write in that hour, however many there are.
    """
    at_once = images_at_once(config, reader, at)
    queue: Queue[ClientRef] = Queue(at_once, limits=most_of_each(config))
    detected = detected_clusters(reader)
    bytes_of = dict.fromkeys(at_once, 0)
    for ref in refs:
        if ref.master not in at_once or config.client(ref.master, ref.client).exclude:
            continue
        for kind, _ in images_of(config.policy(ref.master, ref.client), ref.client):
            durations = reader.durations(ref.master, ref.client, kind)
            sizes = reader.sizes(ref.master, ref.client, kind, 1)
            bytes_of[ref.master] += sum(sizes)
            chain = chain_of(config, ref, detected)
            seconds = predicted_seconds(durations, sizes)
            job = QueuedJob(ref, ref.master, seconds, chain, timed=bool(durations), first=goes_first(kind))
            queue.add([replace(job, limits=limit_names(config, ref))])
    ends = expected_end(queue, 0.0)
    if ends is None:
        return None
    floors = [written / rate for master, written in bytes_of.items() if (rate := learned_rate(reader, master, at))]
    return NightForecast(max([ends, *floors]), at_once)


def learned_rate(reader: Queries, master: str, at: datetime) -> float | None:
    """Bytes a second that all images together wrote in this hour of the week; None where that was not learned."""
    known = reader.learned_hours(master)
    return next((one.rate_bytes_s for one in known if (one.weekday, one.hour) == (at.weekday(), at.hour)), None)
