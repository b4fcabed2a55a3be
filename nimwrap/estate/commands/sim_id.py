"""/usr/bin/id: scripts on a simulated host are run as its root, whoever runs the simulation."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    if "u" in letters:
        me.out("root\n" if "n" in letters else "0\n")
    elif "g" in letters:
        me.out("system\n" if "n" in letters else "0\n")
    else:
        me.out("uid=0(root) gid=0(system) groups=2(bin),3(sys),7(security)\n")
    return 0
