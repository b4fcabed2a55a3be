"""/usr/bin/host NAME-OR-ADDRESS: the canonical name and the address, the same text both ways."""

from __future__ import annotations

from nimwrap.estate import net
from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """Reads this host's own /etc/hosts; aliases follow as AIX prints them."""
    words = [word for word in args if not word.startswith("-")]
    if not words:
        me.err("Usage: host [-n] [HostName|Address]\n")
        return 1
    wanted = words[0]
    address = net.lookup(me, wanted)
    if address is None:
        me.err(f"host: 0827-801 Host name {wanted} does not exist.\n")
        return 1
    names = net.reverse(me, address)
    if net.is_ipv4(wanted) and not names:
        me.err(f"host: 0827-803 Cannot find address {wanted}.\n")
        return 1
    names = names or [wanted]
    aliases = f",  Aliases:   {', '.join(names[1:])}" if names[1:] else ""
    me.out(f"{names[0]} is {address}{aliases}\n")
    return 0
