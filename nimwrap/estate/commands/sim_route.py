"""/usr/sbin/route -n get HOST: the route, and the address of the interface that goes with it."""

from __future__ import annotations

from nimwrap.estate import net
from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """Only ``get`` is known."""
    words = [word for word in args if not word.startswith("-")]
    address = net.lookup(me, words[1]) if len(words) > 1 and words[0] == "get" else None
    if address is None:
        me.err("0821-257 route: not a valid host or network\n")
        return 1
    me.out(
        f"   route to: {address}\ndestination: {address.rpartition('.')[0]}.0\n       mask: 255.255.255.0\n"
        f"    gateway: {me.facts['gateway']}\n  interface: en0\ninterf addr: {net.tcp_source_towards(me, address)}\n"
        "      flags: <UP,GATEWAY,DONE>\n"
    )
    return 0
