"""When a failed round is tried again: tenacity computes the wait, the queue does the waiting."""

from __future__ import annotations

from typing import Protocol


class Waits(Protocol):
    """The part of a retry policy that decides how long to wait; seconds."""

    @property
    def wait(self) -> int: ...

    @property
    def max_wait(self) -> int: ...


def wait_before(policy: Waits, rounds: int) -> float:
    """Seconds before the next round after ``rounds`` failed ones: exponential, with up to a tenth of jitter, capped."""
    from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = rounds
    # wait_exponential doubles from its multiplier at attempt 1
    strategy = wait_exponential(multiplier=policy.wait, max=policy.max_wait) + wait_random(0, policy.wait / 10)
    return min(float(strategy(state)), float(policy.max_wait))
