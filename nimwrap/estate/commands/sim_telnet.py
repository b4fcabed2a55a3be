"""/usr/bin/telnet HOST PORT: a connection that lasts as long as its input."""

from __future__ import annotations

import os

from nimwrap.estate import net
from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """Nothing is said to the other side; ``netstat -an`` shows the connection meanwhile."""
    address = net.lookup(me, args[0]) if args else None
    if address is None or len(args) < 2:
        me.err(f"{args[0] if args else 'telnet'}: Unknown host\n")
        return 1
    row = [f"{net.tcp_source_towards(me, address)}.{30000 + os.getpid() % 30000}", f"{address}.{args[1]}"]
    me.state.change(f"connections-{me.name}", lambda held: held.setdefault("open", []).append(row))
    me.out(f"Trying...\nConnected to {args[0]}.\n")
    while os.read(0, 4096):
        continue
    me.state.change(f"connections-{me.name}", lambda held: held["open"].remove(row))
    return 1
