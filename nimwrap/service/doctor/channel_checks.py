"""What is known of the channel of a master, from what its clients have shown; nobody is called for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from nimwrap.config.model import MasterConfig
from nimwrap.domain.attempt_plan import ordered_ways
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import named, ok, skip
from nimwrap.hosts.channel_route import BY_C_RSH, in_words


def channel_checks(master: MasterConfig, routes: Mapping[str, str], lost: Mapping[str, bool]) -> list[Finding]:
    """``routes``: by client; ``lost``: ways to start a job, and whether it was lost."""
    return [
        named(f"channel:{master.name}", _carries(routes)),
        named(f"jobs:{master.name}", _jobs(lost)),
    ]


def _carries(routes: Mapping[str, str]) -> Finding:
    if not routes:
        return skip(
            "nobody was reached yet: `nimwrap check --all` asks each client and finds out what the channel carries"
        )
    counted = Counter(in_words(route) for route in routes.values())
    told = "; ".join(f"{way}: {count} client{'' if count == 1 else 's'}" for way, count in sorted(counted.items()))
    if set(routes.values()) == {BY_C_RSH}:
        return ok(f"carries whole scripts ({told})")
    return ok(f"{told}; found out again after 30 days, or when it stops working")


def _jobs(lost: Mapping[str, bool]) -> Finding:
    """How own-mount's job is begun on this master's clients."""
    first = ordered_ways(lost)[0]
    gone = [way for way, is_lost in lost.items() if is_lost]
    if not gone:
        return ok(f"a job on a client is started by {first}; none was lost so far")
    return ok(f"a job on a client is started by {first}; lost with the request that started them: {', '.join(gone)}")
