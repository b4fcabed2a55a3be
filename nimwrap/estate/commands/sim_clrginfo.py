"""PowerHA's clRGinfo: ``-s`` and ``-c`` in colon fields, else a table (reference powerha section 4.3)."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """One line a group and node; the group is OFFLINE where it is not held."""
    cluster = me.state.read("cluster")
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    names = [word for word in args if not word.startswith("-")]
    rows = []
    for name, group in cluster["groups"].items():
        if names and name not in names:
            continue
        nodes = [group["node"], *(node for node in cluster["nodes"] if node != group["node"])]
        rows += [(name, group["state"] if node == group["node"] else "OFFLINE", node) for node in nodes]
    if "s" in letters or "c" in letters:
        policies = "non-concurrent:OHN:FNPN:NFB:ignore::: : :::"
        me.out("".join(f"{name}:{state}:{node}:{policies}\n" for name, state, node in rows))
        return 0
    rule = "-" * 77 + "\n"
    me.out(f"{rule}{'Group Name':<25} {'Group State':<28} Node\n{rule}")
    for at, (name, state, node) in enumerate(rows):
        first = at == 0 or rows[at - 1][0] != name
        me.out(f"{name if first else '':<25} {state:<28} {node}\n")
    return 0
