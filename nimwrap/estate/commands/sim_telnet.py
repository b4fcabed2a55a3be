"""/usr/bin/telnet HOST PORT: a connection that lasts as long as its input."""

from __future__ import annotations

import os

from nimwrap.estate import connections
from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """Nothing is said to the other side; ``netstat -an`` shows the connection meanwhile."""

    def until_the_input_ends() -> None:
        me.out(f"Trying...\nConnected to {args[0]}.\n")
        while os.read(0, 4096):
            continue

    if len(args) < 2 or not connections.connected(me, args[0], args[1], until_the_input_ends):
        me.err(f"{args[0] if args else 'telnet'}: Unknown host\n")
    return 1
