"""PowerHA's cllsif -c: name:type:network:nettype:attr:node:address:... (reference powerha section 4.4)."""

from __future__ import annotations

from nimwrap.estate.machine import Machine

_HEADER = (
    "#Adapter:Type:Network:Net Type:Attribute:Node:IP Address:Hardware Address:Interface:Global Name:Netmask:HB Alias\n"
)


def main(me: Machine, args: list[str]) -> int:
    """All labels of all nodes; a service label stands once for each node that can hold it."""
    cluster = me.state.read("cluster")
    rows = []
    for node in cluster["nodes"]:
        for adapter, address, _mask, kind in me.peer(node).facts["interfaces"]:
            label = node if kind == "boot" else f"{node}-per"
            rows.append((label, kind, node, address, adapter if kind == "boot" else ""))
        for group in cluster["groups"].values():
            rows.append((group["label"], "service", node, group["address"], ""))
    network = cluster["network"]
    if "-c" in args or any("c" in word for word in args if word.startswith("-")):
        me.out(_HEADER)
        for label, kind, node, address, adapter in rows:
            me.out(f"{label}:{kind}:{network}:ether:public:{node}:{address}::{adapter}::255.255.255.0:\n")
        return 0
    lines = [("Adapter", "Type", "Network", "Net Type", "Attribute", "Node", "IP Address"), ("",) * 7]
    lines += [(label, kind, network, "ether", "public", node, address) for label, kind, node, address, _ in rows]
    for one in lines:
        me.out("{:<20} {:<10} {:<15} {:<9} {:<10} {:<12} {}\n".format(*one))
    return 0
