"""The first night of 40 clients over real NFS, with a real limit on the master's link: the knee is found, and kept.

It takes a quarter of an hour, most of which nobody works: ``make slow``, or ``-m "lab and slow" -s`` for its figures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from nimwrap.history.sqlite.queries import Reader
from tests.lab.lab import IMAGES, MASTER, Lab, why_not

pytestmark = [pytest.mark.lab, pytest.mark.slow]
CLIENTS = 40
OWN_BYTES_S = 250_000
"""What each client sends by itself: its own pace."""
LINK_BITS_S = 17_000_000
PAYLOAD = 1448 / 1514
"""Of each full frame on the link, what is NFS and its data."""
SHORTEST_S, LONGEST_S = 100, 180
LOOK_S = 5.0
LIMIT_S = 2400


@pytest.fixture
def forty() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab(clients=CLIENTS, rate=OWN_BYTES_S, steps=300) as lab:
        spread = (LONGEST_S - SHORTEST_S) / (CLIENTS - 1)
        seconds = {f"aix{number:02}": SHORTEST_S + spread * (number * 17 % CLIENTS) for number in range(1, CLIENTS + 1)}
        lab.estate.setting(image_sizes={name: int(OWN_BYTES_S * each) for name, each in seconds.items()})
        lab.network.limit(MASTER, LINK_BITS_S)
        yield lab


@dataclass
class Watch:
    """The sizes of the images on the master's disk, looked at now and then; by how many wrote, what each wrote."""

    top: Path
    before: dict[Path, int] = field(default_factory=dict)
    at: float = 0.0
    paces: list[tuple[int, float]] = field(default_factory=list)
    totals: list[tuple[int, float]] = field(default_factory=list)

    def look(self) -> None:
        now, sizes = time.monotonic(), {path: path.stat().st_size for path in self.top.rglob("*.mksysb")}
        grown = {path: size - self.before[path] for path, size in sizes.items() if self.before.get(path)}
        writing = [each / (now - self.at) for each in grown.values() if each > 0]
        self.paces += [(len(writing), each) for each in writing]
        self.totals.append((len(writing), sum(writing)))
        self.before, self.at = sizes, now


def test_the_knee_of_a_limited_link_is_found_in_the_first_night_and_kept(forty: Lab) -> None:
    config = forty.config("ssh", master={"max_parallel": "auto"})
    watch, began = Watch(forty.estate.files(MASTER) / IMAGES), datetime.now(UTC)
    process = forty.begin(config, "-q", "backup", "aix*")
    while process.poll() is None and (datetime.now(UTC) - began).total_seconds() < LIMIT_S:
        time.sleep(LOOK_S)
        watch.look()
    assert process.wait(60) == 0, (process.stderr.read() if process.stderr else b"")[-3000:]
    took = (datetime.now(UTC) - began).total_seconds()
    alone = median(pace for writers, pace in watch.paces if writers <= 4)
    link = LINK_BITS_S / 8 * PAYLOAD
    knee = link / alone
    with Reader.open(config.parent / "state" / "history.db") as reader:
        changes = [(event.at, event.text, event.data) for event in reader.noted("parallel", began)]
        rates = reader.learned_rates(MASTER, began, datetime.now(UTC))
    crowded = [total for writers, total in watch.totals if writers > knee]
    written = sum(path.stat().st_size for path in watch.top.rglob("*.mksysb"))
    print(f"\none alone {alone / 1e3:.0f} kB/s, link {link / 1e6:.2f} MB/s: knee {knee:.1f}; {took:.0f} s, of them")
    print(f"{written / link:.0f} s for {written / 1e6:.0f} MB at its rate; crowded {median(crowded) / 1e6:.2f} MB/s")
    for at, text, data in changes:
        print(f"  {at} {text} {data}")
    for rate in rates:
        print(f"  {rate}")
    believed = [data["knee"] for _, _, data in changes] + [rates[-1].knee]
    near = [abs(one - knee) <= 0.2 * knee for one in believed]
    found = len(near) - (near[::-1].index(False) if False in near else len(near))
    assert all(near[found:]) and near[-1], f"never found: {believed}"
    assert found < len(near), "found, and kept to the end"
    assert median(crowded) > 0.8 * link, "the link is what limits the night"
