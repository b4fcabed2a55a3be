"""/usr/sbin/lspv: rootvg's disk, on a cluster node the repository disk (powerha section 4.2), and spare ones."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, _args: list[str]) -> int:
    identifier = f"{me.facts['machine_id'].lower()[:8]}6c59c9d7"
    rows = [("hdisk0", identifier, "rootvg", "active")]
    if me.facts["role"] == "node":
        rows.append(("hdisk1", "00f6aa1b91181a40", "caavg_private", "active"))
        held = next(iter(me.state.read("cluster")["groups"].values()))["node"] == me.name
        rows.append(("hdisk2", "00f6aa1b91181b55", "appvg", "concurrent" if not held else "active"))
    for disk, group in me.state.read("spare_disks").get(me.name, {}).items():
        rows.append((disk, identifier.replace("6c59", "6d60") if group else "none", group or "None", ""))
    me.out("".join(f"{disk:<15} {pvid:<35} {group:<15} {state}\n" for disk, pvid, group, state in rows))
    return 0
