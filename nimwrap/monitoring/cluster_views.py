"""PowerHA clusters as the newest runs of their nodes saw them: who is in one, and which node holds the address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nimwrap.config.model import Config
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.ref import ClientRef, Key
from nimwrap.history.model import FleetRow
from nimwrap.history.ports import Queries


@dataclass(frozen=True)
class Sight:
    """What one run saw of the cluster. ``holders``: by resource group that is online, the node it is on."""

    at: datetime
    name: str | None
    state: str | None
    holders: Mapping[str, str]
    service_addresses: tuple[str, ...]

    @property
    def holder(self) -> str | None:
        """The node, or nodes, with a resource group online: there the service address is. None when none is."""
        return ", ".join(dict.fromkeys(self.holders.values())) or None


@dataclass(frozen=True)
class ClusterView:
    """One cluster of a master. ``seen`` None: only the configuration names it, no run has looked yet."""

    master: str
    name: str
    members: tuple[ClientRef, ...]
    seen: Sight | None = None


def sight_of(cluster: str | None, started: str) -> Sight | None:
    """The stored JSON of ``runs.cluster``; None where the run saw no cluster."""
    told = json.loads(cluster) if cluster else None
    if not isinstance(told, dict):
        return None
    groups = [group for group in told.get("resource_groups") or () if group.get("node")]
    online = {str(group["name"]): str(group["node"]) for group in groups if "ONLINE" in str(group.get("state")).upper()}
    addresses = tuple(str(address) for address in told.get("service_addresses") or ())
    return Sight(parse_rfc3339(started), told.get("name"), told.get("state"), online, addresses)


def newest_sights(reader: Queries) -> dict[Key, Sight]:
    """By client of a cluster, what the newest of its last three runs that saw it has seen."""
    found = {run.key: sight_of(run.cluster, run.started) for run in reader.runs_that_saw_a_cluster()}
    return {key: sight for key, sight in found.items() if sight is not None}


def cluster_names(config: Config, rows: Iterable[FleetRow], sights: Mapping[Key, Sight]) -> dict[Key, str]:
    """The cluster of each client that is in one: as configured, else as the inventory or its runs say."""
    found = {}
    for row in rows:
        key = (row.master, row.client)
        sight = sights.get(key)
        configured = config.client(*key).cluster if config.clients else ""
        name = configured or row.cluster or (sight.name if sight else None)
        if name:
            found[key] = str(name)
    return found


def views(names: Mapping[Key, str], sights: Mapping[Key, Sight]) -> tuple[ClusterView, ...]:
    """Every cluster with its members, as the newest sight of any of them shows it."""
    members: dict[Key, list[Key]] = {}
    for key, name in names.items():
        members.setdefault((key[0], name), []).append(key)
    found = []
    for (master, name), keys in sorted(members.items()):
        newest = max((sights[key] for key in keys if key in sights), key=lambda sight: sight.at, default=None)
        found.append(ClusterView(master, name, tuple(ClientRef(*key) for key in sorted(keys)), newest))
    return tuple(found)
