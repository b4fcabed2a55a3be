"""PowerHA's clmgr, its queries only: ``ATTR="value"`` lines (reference powerha section 4.2)."""

from __future__ import annotations

from nimwrap.estate.commands.sim_lssrc import cluster_state
from nimwrap.estate.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def changes(_command: str, args: list[str]) -> bool:
    """Everything but queries."""
    return args[:1] not in ([], ["query"], ["view"])


def main(me: Machine, args: list[str]) -> int:
    """``query cluster``, ``query resource_group RG``, ``query service_ip LABEL``; nothing is ever changed."""
    if args[:1] != ["query"] or len(args) < 2:
        me.err("ERROR: this simulated clmgr only answers queries.\n")
        return 1
    rows = _query(me, me.state.read("cluster"), args[1], args[2] if len(args) > 2 else "")
    if rows is None:
        me.err(f'ERROR: the specified object does not exist: "{args[2] if len(args) > 2 else args[1]}"\n')
        return 1
    me.out("".join(f"{line}\n" for line in rows))
    return 0


def _query(me: Machine, cluster: dict[str, Any], kind: str, name: str) -> list[str] | None:
    """The lines of the answer: names where none was given, None for what does not exist."""
    groups = cluster["groups"]
    if kind == "cluster":
        state = cluster_state(me).removeprefix("ST_")
        version = str(cluster["level"]).split(" ", 1)[0]
        return _attributes(
            CLUSTER_NAME=cluster["name"],
            CLUSTER_ID="1120652512",
            STATE=state,
            TYPE="NSC",
            VERSION=version,
            UNSYNCED_CHANGES="false",
        )
    known = {
        "resource_group": {key: _group(cluster, key) for key in groups},
        "service_ip": {
            one["label"]: {"IPADDR": one["address"], "NETWORK": cluster["network"]} for one in groups.values()
        },
        "network": {cluster["network"]: {"TYPE": "ether", "NETMASK": "255.255.255.0"}},
    }.get(kind)
    if known is None or (name and name not in known):
        return None
    return _attributes(NAME=name, **known[name]) if name else list(known)


def _group(cluster: dict[str, Any], name: str) -> dict[str, str]:
    group = cluster["groups"][name]
    return {
        "CURRENT_NODE": group["node"],
        "NODES": " ".join(cluster["nodes"]),
        "STATE": group["state"],
        "STARTUP": "OHN",
        "FALLOVER": "FNPN",
        "FALLBACK": "NFB",
        "SERVICE_LABEL": group["label"],
    }


def _attributes(**values: str) -> list[str]:
    return [f'{key}="{value}"' for key, value in values.items()]
