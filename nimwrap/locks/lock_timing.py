"""The times that locks rest on, derived in one place and checked against each other.

A lock may be taken over when it has been silent for STALE_S. So whoever holds one must get a heartbeat through more
often than that, whatever else the process does on the same master: beats have a host of their own, whose connections
nothing long ever uses, and a beat that is lost is made up by later ones before the lock is stale.
"""

from __future__ import annotations

STALE_S = 600
"""A lock may be taken over only when its heartbeat is older than this and its operation is gone (INTERFACE 6)."""
BEATS = 5
"""So many beats fall into the time after which a lock is stale."""
BEAT_S = STALE_S // BEATS
"""How often a held lock is made fresh."""
BEAT_LIMIT_S = 60
"""How long one beat may take, with the connection it may have to make first."""
WRAPPER_BEAT_S = 20
"""How often the detached wrapper makes lock and slot fresh while the image is made."""
JOIN_S = 5
"""How long the end of the work waits for a beat that is on its way."""


def contradictions(
    *, stale: float = STALE_S, beat: float = BEAT_S, limit: float = BEAT_LIMIT_S, wrapper: float = WRAPPER_BEAT_S
) -> list[str]:
    """What these times contradict each other in; empty when a live holder can never look stale."""
    rules = {
        "two beats in a row may be lost before a lock is stale": 3 * (beat + limit) <= stale,
        "a beat has ended before the next one is due": limit < beat,
        "the wrapper is heard more often than a nimwrap": wrapper <= beat,
    }
    return [rule for rule, holds in rules.items() if not holds]
