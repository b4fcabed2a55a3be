"""/usr/bin/traceroute HOST: "source should be" before any probe (reference aix-nim section 4)."""

from __future__ import annotations

from nimwrap.estate import net
from nimwrap.estate.machine import Machine

_WITH_VALUE = "mqwpsfgt"


def main(me: Machine, args: list[str]) -> int:
    """Which stream the first lines go to is not public: stdout, or stderr by the switch ``traceroute_stderr``."""
    target = _target(args)
    address = net.lookup(me, target) if target else None
    if address is None:
        me.err(f"traceroute: unknown host {target}\n")
        return 1
    source = net.source_towards(me, address)
    first = f"trying to get source for {target}\nsource should be {source}\n"
    (me.err if me.fault("traceroute_stderr") else me.out)(first)
    me.out(
        f"traceroute to {target} ({address}) from {source} ({source}), 30 hops max\noutgoing MTU = 1500\n"
        f" 1  {target} ({address})  1 ms  1 ms  1 ms\n"
    )
    return 0


def _target(args: list[str]) -> str:
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            return word
        if word[-1] in _WITH_VALUE and rest:
            rest.pop(0)
    return ""
