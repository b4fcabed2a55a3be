"""The model of a master: a link, a disk with a knee, load of others, and clients that are slow by themselves.

Where its parameters come from (all published):

* link: IBM, "Adapter performance guidelines" (AIX 7.2, performance/adapter_perf_guides): one direction of TCP carries
  113 MB/s on a gigabit Ethernet; two of them in an EtherChannel carry twice that; for 10 Gb IBM's planning table of the
  Virtual I/O Server gives about 1,000 MB/s.
* clients: a captured mksysb of 14.5 GiB in 18 minutes, others in 7 to 15: about 14 MB/s by the client's own disks and
  processors. An image is 2 to 60 GB (IBM: "10 to 15 GB is sufficient" for a usual one).
* what a crowd costs: nfs-utils' doc/nfs.doc tables of SPEC SFS: with the load doubled past the peak, an NFS server
  writes 0.86 (4 threads) down to 0.60 (1 thread) of what it did; that is a total that falls as (knee/n) to the power
  of 0.2 to 0.75. The same exponent for streams that share one disk spans 0.1 (a good read-ahead) to 1 (a poor one) in
  Wu's measurements of interleaved sequential streams; Dr. Dobb's multi-threaded file I/O finds the best of a RAID at
  about four streams, of one disk at one or two.
* JFS2 writes behind in clusters of 128 KB (IBM, "Sequential write behind"): many files at once are many places of the
  disk in turn, which is why a knee in the number of streams exists at all beside that in MB/s.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

MB = 1e6
LINKS = (113 * MB, 226 * MB, 1000 * MB)
CRASHES = 0.02


@dataclass(frozen=True)
class Disk:
    """``streams``: how many files at once it writes without loss, from and to."""

    name: str
    slowest: float
    fastest: float
    streams: tuple[float, float]


DISKS = (
    Disk("one disk", 60 * MB, 140 * MB, (1.5, 4)),
    Disk("RAID set", 120 * MB, 350 * MB, (3, 10)),
    Disk("SAN volume", 200 * MB, 700 * MB, (6, 24)),
)


@dataclass(frozen=True)
class Background:
    """Other work on the master that takes ``share`` of it, from and to in seconds of the night."""

    begins: float
    ends: float
    share: float


@dataclass(frozen=True)
class Client:
    """``own_rate``: what it writes in bytes a second when nothing holds it up; ``quiet_s``: before its first byte."""

    name: str
    size: float
    own_rate: float
    quiet_s: float
    proof_s: float
    unsteady: float


@dataclass(frozen=True)
class Master:
    """``capacity`` is what link and disk carry; ``streams`` the knee of the disk; ``loss`` the exponent beyond it."""

    name: str
    capacity: float
    streams: float
    loss: float
    unsteady: float
    backgrounds: tuple[Background, ...]
    clients: tuple[Client, ...]

    def carries(self, writers: int, left: float) -> float:
        """Bytes a second for ``writers`` images at once while others leave this share of the master."""
        crowd = min(1.0, (self.streams / writers) ** self.loss) if writers else 1.0
        return self.capacity * left * crowd


def random_master(seed: int) -> Master:
    """One of many: its hardware, its fleet and the load it has every night."""
    rng = random.Random(f"master {seed}")
    disk = rng.choice(DISKS)
    link = rng.choice(LINKS)
    clients = tuple(_client(rng, number) for number in range(round(math.exp(rng.uniform(math.log(20), math.log(100))))))
    return Master(
        f"{disk.name}, {link / MB:.0f} MB/s link, {len(clients)} clients",
        min(link, rng.uniform(disk.slowest, disk.fastest)),
        rng.uniform(*disk.streams),
        rng.uniform(0.1, 0.75),
        rng.uniform(0.02, 0.08),
        tuple(_background(rng) for _ in range(rng.randint(0, 3))),
        clients,
    )


def _client(rng: random.Random, number: int) -> Client:
    return Client(
        f"aix{number:03}",
        min(60e9, max(2e9, rng.lognormvariate(math.log(11e9), 0.5))),
        min(113 * MB, rng.lognormvariate(math.log(14.4 * MB), 0.45)),
        rng.uniform(30, 120),
        rng.uniform(10, 40),
        rng.uniform(0.1, 0.3),
    )


def _background(rng: random.Random) -> Background:
    begins = rng.uniform(0, 4 * 3600)
    return Background(begins, begins + rng.uniform(1200, 5400), rng.uniform(0.1, 0.5))


@dataclass
class Luck:
    """What one night brings, the same for whoever runs it: noise, crashes and when the others' load begins."""

    master: Master
    night: int
    _paces: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    _states: dict[tuple[str, int], float] = field(default_factory=dict)
    _rngs: dict[tuple[str, int], random.Random] = field(default_factory=dict)
    _weather: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(f"{self.master.name} {self.night}")
        self.seed = rng.random()
        self._weather_rng = random.Random(self.seed)
        late = [rng.gauss(0, 600) for _ in self.master.backgrounds]
        self.backgrounds = [
            Background(one.begins + shift, one.ends + shift, one.share)
            for one, shift in zip(self.master.backgrounds, late, strict=True)
        ]

    def left(self, at: float, step: int, step_s: float) -> float:
        """The share of the master that is there for images, in this step."""
        while len(self._weather) <= step:
            before = self._weather[-1] if self._weather else 0.0
            keep = math.exp(-step_s / 60)
            self._weather.append(keep * before + self._weather_rng.gauss(0, math.sqrt(1 - keep * keep)))
        share = math.exp(self.master.unsteady * self._weather[step])
        for one in self.backgrounds:
            if one.begins <= at < one.ends:
                share *= 1 - one.share
        return share

    def pace(self, client: Client, attempt: int, steps: int, step_s: float) -> list[float]:
        """At least ``steps`` of what a client writes alone, step by step of its image: many small files, then large."""
        made = self._paces.get((client.name, attempt))
        if made is None:
            made = self._paces[client.name, attempt] = []
            self._rngs[client.name, attempt] = random.Random(f"{self.seed} {client.name} {attempt}")
            self._states[client.name, attempt] = self._rngs[client.name, attempt].gauss(0, 1)
        gauss, state = self._rngs[client.name, attempt].gauss, self._states[client.name, attempt]
        keep = math.exp(-step_s / 90)
        fresh = math.sqrt(1 - keep * keep)
        while len(made) < steps:
            state = keep * state + gauss(0, fresh)
            made.append(client.own_rate * math.exp(client.unsteady * state))
        self._states[client.name, attempt] = state
        return made

    def dies_at(self, client: Client, attempt: int) -> float:
        """The share of its image after which this attempt crashes; for most never."""
        rng = random.Random(f"crash {self.seed} {client.name} {attempt}")
        return rng.uniform(0.05, 0.95) if rng.random() < CRASHES else math.inf

    def patience(self, client: Client, attempt: int) -> float:
        """How much of a crowd this attempt bears before NFS gives up on it, in expected time-outs."""
        return random.Random(f"patience {self.seed} {client.name} {attempt}").expovariate(1.0)
