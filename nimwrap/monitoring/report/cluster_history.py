"""Who held the service address of each PowerHA cluster while its nodes were backed up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.cluster_views import ClusterView, Sight, sight_of

Row = dict[str, Any]
RUNS = 28
"""Runs of each node that are looked at."""
CLUSTERS = 25
"""Clusters that are drawn; those with failures come first."""


@dataclass(frozen=True)
class Moment:
    """One run of one node, and the cluster as it was then; ``sight`` None where the run could not see it."""

    run: Row
    sight: Sight | None

    @property
    def bad(self) -> bool:
        return self.run["outcome"] in ("failed", "refused")

    @property
    def on_holder(self) -> bool:
        """True when the node that was backed up held the service address itself."""
        return self.sight is not None and self.run["client"] in self.sight.holders.values()


@dataclass(frozen=True)
class ClusterHistory:
    """``moments``: the newest runs of all nodes, oldest first."""

    cluster: ClusterView
    moments: tuple[Moment, ...]

    @property
    def failures(self) -> list[Moment]:
        """The failed and refused ones, newest first."""
        return [moment for moment in reversed(self.moments) if moment.bad]


def histories(reader: Reader, clusters: Iterable[ClusterView]) -> list[ClusterHistory]:
    """The history of each cluster, those with the most failures first, bounded."""
    found = [ClusterHistory(cluster, _moments(reader, cluster)) for cluster in clusters]
    found.sort(key=lambda history: (-len(history.failures), history.cluster.name))
    return found[:CLUSTERS]


def _moments(reader: Reader, cluster: ClusterView) -> tuple[Moment, ...]:
    sql = (
        "select id, client, outcome, failure_code, failure_message, started, cluster, expected_address, actual_address,"
        " remedy from runs where master = ? and client = ? order by started desc, rowid desc limit ?"
    )
    runs = [run for ref in cluster.members for run in reader.rows(sql, (ref.master, ref.client, RUNS))]
    runs.sort(key=lambda run: str(run["started"]))
    return tuple(Moment(run, sight_of(run["cluster"], run["started"])) for run in runs)
