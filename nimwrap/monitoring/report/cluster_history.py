"""Who held the service address of each PowerHA cluster while its nodes were backed up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nimwrap.domain.ref import Key
from nimwrap.history.model import RunRow
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.cluster_views import ClusterView, Sight, sight_of

RUNS = 28
"""Runs of each node that are looked at."""
CLUSTERS = 25
"""Clusters that are drawn; those with failures come first."""


@dataclass(frozen=True)
class Moment:
    """One run of one node, and the cluster as it was then; ``sight`` None where the run could not see it."""

    run: RunRow
    sight: Sight | None

    @property
    def bad(self) -> bool:
        return self.run.outcome in ("failed", "refused")

    @property
    def on_holder(self) -> bool:
        """True when the node that was backed up held the service address itself."""
        return self.sight is not None and self.run.client in self.sight.holders.values()


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
    chosen = list(clusters)
    runs = reader.last_runs_of([(ref.master, ref.client) for cluster in chosen for ref in cluster.members], RUNS)
    found = [ClusterHistory(cluster, _moments(runs, cluster)) for cluster in chosen]
    found.sort(key=lambda history: (-len(history.failures), history.cluster.name))
    return found[:CLUSTERS]


def _moments(runs: Mapping[Key, Sequence[RunRow]], cluster: ClusterView) -> tuple[Moment, ...]:
    of_members = [run for ref in cluster.members for run in runs.get((ref.master, ref.client), ())]
    of_members.sort(key=lambda run: run.started)
    return tuple(Moment(run, sight_of(run.cluster, run.started)) for run in of_members)
