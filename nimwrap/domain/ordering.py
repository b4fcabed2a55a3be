"""In which order a fleet is worked through: longest first, clusters as chains, unknown ones before all."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

SECONDS_PER_BYTE = 1 / 15e6
"""A stand-in where only a size is known: the captured run of aix-nim section 8 wrote 14.5 GiB in 18 minutes."""

UNKNOWN = float("inf")
"""Nobody knows how long a new client takes, so it starts first: late starters decide when the night ends."""


def predicted_seconds(durations: Sequence[float], sizes: Sequence[int]) -> float:
    """How long a client's next image takes: the median of its last runs, its size as a stand-in, else UNKNOWN."""
    if durations:
        return float(median(durations[:5]))
    if sizes:
        return sizes[0] * SECONDS_PER_BYTE
    return UNKNOWN
