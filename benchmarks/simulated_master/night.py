"""One night on a modelled master, in steps of virtual time, under any rule of how many images run at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulated_master.master import Client, Luck, Master

STEP_S = 20.0
RETRY_S = 300.0
SLOW = 5.0
"""Held up more than this many times, an image may time out: NFS answers late, and later the more there are."""
HAZARD = 1.0
"""Time-outs in an image-hour at twice ``SLOW``."""


@dataclass
class Image:
    name: str
    client: Client
    attempt: int
    writes_from: float
    pace: list[float]
    luck: Luck
    patience: float
    dies_at: float
    written: float = 0.0
    steps: int = 0
    strain: float = 0.0
    proof_ends: float | None = None


@dataclass(frozen=True)
class Moment:
    """What a poll of the master shows: the size of each image being made, how many are being proven or wait."""

    at: float
    sizes: Mapping[str, int]
    proving: int
    waiting: int
    troubles: int


@dataclass
class Night:
    """``makespan`` in seconds; ``running`` and ``totals``: images in flight and bytes a second, by step."""

    makespan: float = float("inf")
    timeouts: int = 0
    crashes: int = 0
    running: list[int] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)


def play(master: Master, luck: Luck, may_run: Callable[[Moment], int], give_up_s: float = 1e9) -> Night:
    """Work the fleet off, longest first; ``may_run`` says at each poll how many may be in flight."""
    night = Night()
    order = sorted(master.clients, key=lambda one: -one.size / one.own_rate)
    waiting = [(0.0, client, 0) for client in order]
    running: list[Image] = []
    step, troubles = 0, 0
    while waiting or running:
        at = step * STEP_S
        if at > give_up_s:
            return night
        sizes = {one.name: int(one.written) for one in running if one.proof_ends is None}
        ready = [one for one in waiting if one[0] <= at]
        cap = may_run(Moment(at, sizes, len(running) - len(sizes), len(ready), troubles))
        for one in ready[: max(0, cap - len(running))]:
            waiting.remove(one)
            running.append(_begun(luck, one[1], one[2], at))
        troubles = 0
        writers = [one for one in running if one.proof_ends is None and at >= one.writes_from]
        night.running.append(len(running))
        night.totals.append(_write(writers, master.carries(len(writers), luck.left(at, step, STEP_S)), at))
        for one in writers:
            if one.strain > one.patience or one.written > one.dies_at:
                running.remove(one)
                waiting.append((at + RETRY_S, one.client, one.attempt + 1))
                night.timeouts += one.strain > one.patience
                night.crashes += one.strain <= one.patience
                troubles += one.strain > one.patience
        running = [one for one in running if one.proof_ends is None or one.proof_ends > at]
        step += 1
    night.makespan = step * STEP_S
    return night


def _begun(luck: Luck, client: Client, attempt: int, at: float) -> Image:
    pace = luck.pace(client, attempt, 1, STEP_S)
    return Image(
        f"{client.name}.{attempt}",
        client,
        attempt,
        at + client.quiet_s,
        pace,
        luck,
        luck.patience(client, attempt),
        client.size * luck.dies_at(client, attempt),
    )


def _write(writers: list[Image], capacity: float, at: float) -> float:
    """One step of all that write: each its own rate, or an equal share of what is left where all want more."""
    if not writers:
        return 0.0
    own = []
    for one in writers:
        if one.steps >= len(one.pace):
            one.luck.pace(one.client, one.attempt, one.steps + 50, STEP_S)
        own.append(one.pace[one.steps])
    wanted = sum(own)
    level = float("inf") if wanted <= capacity else _level(own, capacity)
    crowd = max(0.0, wanted / capacity / SLOW - 1) * HAZARD * STEP_S / 3600
    total = 0.0
    for one, wish in zip(writers, own, strict=True):
        rate = min(wish, level)
        total += rate
        one.written += rate * STEP_S
        one.steps += 1
        one.strain += crowd
        if one.written >= one.client.size:
            one.proof_ends = at + STEP_S + one.client.proof_s
    return total


def _level(own: list[float], capacity: float) -> float:
    """The equal share: slower ones take what they want, the others the same each."""
    left = capacity
    for place, rate in enumerate(sorted(own)):
        level = left / (len(own) - place)
        if rate >= level:
            return level
        left -= rate
    return float("inf")


def fixed(number: int) -> Callable[[Moment], int]:
    """``max_parallel = number``."""
    return lambda moment: number
