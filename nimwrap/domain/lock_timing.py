"""The numbers that locks rest on, derived in one place and checked against each other when a configuration is read.

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
LOSSES = 2
"""So many beats in a row may be lost before a lock is stale."""
BEAT_LIMIT_S = 60
"""How long one beat may take, with the connection it may have to make first."""
LEAST_LIMIT_S = 5
"""A beat that may not even take this long cannot make a connection."""
WRAPPER_BEAT_S = 20
"""How often the detached wrapper makes lock and slot fresh while the image is made."""
JOIN_S = 5
"""How long the end of the work waits for a beat that is on its way."""
POOL = 4
"""Connections to one master: sshd starts dropping at ten half-open ones (MaxStartups 10:30:100). Beats have as many of
their own.
"""
LOOK_S = 10
"""How long one poll waits on the master for an operation's end: one round trip in this time, no delay when it comes."""
ANSWER_S = 60
"""How long the answer to a poll may take beyond its wait."""


def beat_limit(at_once: int, *, pool: int = POOL) -> int:
    """How long one of ``at_once`` beats may take, if all are due at once and some wait for a connection."""
    turns = -(-at_once // pool)
    return min(BEAT_LIMIT_S, (STALE_S // (LOSSES + 1) - BEAT_S) // turns)


def most_at_once() -> int:
    """How many locks of one master a process can keep fresh."""
    return (STALE_S // (LOSSES + 1) - BEAT_S) // LEAST_LIMIT_S * POOL


def contradictions(
    *,
    stale: float = STALE_S,
    beat: float = BEAT_S,
    limit: float = BEAT_LIMIT_S,
    wrapper: float = WRAPPER_BEAT_S,
    silence: float = LOOK_S + ANSWER_S,
    at_once: int = 1,
) -> list[str]:
    """What these numbers contradict each other in; empty when a live holder can never look stale.

    ``silence``: how long a poll may keep its connection; ``at_once``: the images in flight on one master.
    """
    rules = {
        "two beats in a row may be lost before a lock is stale": (LOSSES + 1) * (beat + limit) <= stale,
        "a beat has ended before the next one is due": limit < beat,
        "the wrapper is heard more often than a nimwrap": wrapper <= beat,
        "a poll is over before the next beat is due": silence < beat,
        f"the beats of {at_once} images at once all get through": at_once <= most_at_once(),
    }
    return [rule for rule, holds in rules.items() if not holds]
