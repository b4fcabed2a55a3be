"""What is known of the channel of a master, from what its clients have shown; nobody is called for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nimwrap.config.model import REMEDIES, MasterConfig
from nimwrap.domain.attempt_plan import ordered_ways
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import named, ok, skip
from nimwrap.hosts.channel_route import BY_C_RSH, in_words
from nimwrap.remedies.registry import remedy


@dataclass(frozen=True)
class ShownByClients:
    """Of one master: its ``clients``; their ``routes``, of those that were reached; ``lost``: ways to start a job, and
    whether it was lost; the ``remedies`` that have made an image there."""

    clients: Sequence[str]
    routes: Mapping[str, str]
    lost: Mapping[str, bool]
    remedies: Sequence[str]


def channel_checks(master: MasterConfig, shown: ShownByClients) -> list[Finding]:
    """What the channel carries, how jobs are started, and what nobody has seen there yet."""
    return [
        named(f"channel:{master.name}", _carries(shown.routes)),
        named(f"jobs:{master.name}", _jobs(shown.lost)),
        named(f"unproven:{master.name}", _unproven(shown)),
    ]


def _unproven(shown: ShownByClients) -> Finding:
    """No fault: it is tried when it is needed, with a check that it worked and a next way."""
    unseen = [name for name in shown.clients if name not in shown.routes]
    untried = [name for name in REMEDIES if name not in shown.remedies]
    started = any(not lost for lost in shown.lost.values()) or any(
        remedy(name).own_directory for name in shown.remedies
    )
    open_ = [
        f"the channel to {len(unseen)} of {len(shown.clients)} clients ({', '.join(unseen[:3])}"
        f"{', ...' if len(unseen) > 3 else ''})"
        if unseen
        else "",
        "that a job on a client comes to its end" if not started else "",
        f"the remedies {' and '.join(untried)}" if len(untried) > 1 else f"the remedy {untried[0]}" if untried else "",
    ]
    told = "; ".join(filter(None, open_))
    return ok(f"not seen there yet: {told}" if told else "nothing: channel, jobs and remedies have all worked there")


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
