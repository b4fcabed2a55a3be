"""Heartbeats that tell no age, because a clock was set or a hand wrote them: judged by our own watching instead."""

from __future__ import annotations

from datetime import timedelta

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.lock_timing import STALE_S
from nimwrap.master_context import MasterContext

_KIND = "heartbeat"
_REMEMBERED = timedelta(days=7)


def tells_no_age(age_s: float | None) -> bool:
    """Whether a heartbeat lies in the future of the very clock that wrote it, or is no time at all."""
    return age_s is None or age_s < 0


def silent_by_watch(context: MasterContext, what: str, run: str, heartbeat: str) -> bool:
    """Whether ``what`` has shown this same heartbeat, whose operation is gone, for STALE_S of our own watching.

    The first look at it is written down, so that any later nimwrap of this installation goes on from there.
    """
    now, mark = context.clock.now(), {"what": what, "run": run, "heartbeat": heartbeat}
    looks = context.queries.noted(_KIND, now - _REMEMBERED)
    first = next((look for look in looks if look.master == context.master.name and look.data == mark), None)
    if first is None:
        text = f"the heartbeat of {what} ({run or 'unnamed'}) tells no age: {heartbeat or 'nothing'}"
        context.note(None, _KIND, text, mark, at=now)
        return False
    return (now - parse_rfc3339(first.at)).total_seconds() > STALE_S
