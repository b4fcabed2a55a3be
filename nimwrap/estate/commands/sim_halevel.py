"""PowerHA's halevel -s: the installed level, such as ``7.2.5 SP2``."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    level = str(me.state.read("cluster")["level"])
    me.out(f"{level}\n" if "-s" in args else f"{level.split(' ', 1)[0]}\n")
    return 0
