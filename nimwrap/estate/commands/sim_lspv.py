"""/usr/sbin/lspv: rootvg's disk, and on a cluster node the repository disk (reference powerha section 4.2)."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, _args: list[str]) -> int:
    identifier = f"{me.facts['machine_id'].lower()[:8]}6c59c9d7"
    rows = [("hdisk0", identifier, "rootvg", "active")]
    if me.facts["role"] == "node":
        rows.append(("hdisk1", "00f6aa1b91181a40", "caavg_private", "active"))
        held = next(iter(me.state.read("cluster")["groups"].values()))["node"] == me.name
        rows.append(("hdisk2", "00f6aa1b91181b55", "appvg", "concurrent" if not held else "active"))
    me.out("".join(f"{disk:<15} {pvid:<35} {group:<15} {state}\n" for disk, pvid, group, state in rows))
    return 0
