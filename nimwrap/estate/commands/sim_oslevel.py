"""/usr/bin/oslevel: -s the service pack level, -r the technology level, without a flag the dotted form."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    level = me.facts["oslevel"]
    if "-s" in args:
        me.out(f"{level}\n")
    elif "-r" in args:
        me.out(f"{level[:7]}\n")
    else:
        me.out(f"{level[0]}.{level[1]}.0.0\n")
    return 0
