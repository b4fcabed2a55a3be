"""/usr/bin/uname and hostname: the machine's own idea of its name, and its machine id (``uname -m``)."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """``hostname`` prints the node name; ``uname`` knows -s -n -r -v -m -p -a."""
    node, level = me.facts["node"], me.facts["oslevel"]
    if me.command == "hostname":
        me.out(f"{node}\n")
        return 0
    fields = {"s": "AIX", "n": node, "r": level[1], "v": level[0], "m": me.facts["machine_id"]}
    letters = "".join(word[1:] for word in args if word.startswith("-")) or "s"
    wanted = "snrvm" if "a" in letters else [one for one in "snrvm" if one in letters]
    shown = [fields[one] for one in wanted]
    if "p" in letters:
        shown.append("powerpc")
    me.out(" ".join(shown) + "\n")
    return 0
