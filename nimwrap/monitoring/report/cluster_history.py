"""Who held the service address of each PowerHA cluster while its nodes were backed up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nimwrap.domain.ref import Key
from nimwrap.history.model import RunRow
from nimwrap.history.ports import Queries
from nimwrap.monitoring.cluster_views import ClusterView, Sight, sight_of

_BAD = ("failed", "refused")
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
        return self.run.outcome in _BAD

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


def histories(reader: Queries, clusters: Iterable[ClusterView]) -> list[ClusterHistory]:
    """The history of each cluster, those with the most failures first, bounded."""
    chosen = list(clusters)
    bad = reader.bad_runs_of(_members(chosen), RUNS)
    chosen.sort(key=lambda one: (-sum(bad.get((ref.master, ref.client), 0) for ref in one.members), one.name))
    runs = reader.last_runs_of(_members(chosen[:CLUSTERS]), RUNS)
    return [ClusterHistory(one, tuple(map(_moment, _in_order(runs, one)))) for one in chosen[:CLUSTERS]]


def _members(clusters: Iterable[ClusterView]) -> list[Key]:
    return [(ref.master, ref.client) for cluster in clusters for ref in cluster.members]


def _in_order(runs: Mapping[Key, Sequence[RunRow]], cluster: ClusterView) -> list[RunRow]:
    of_members = (run for ref in cluster.members for run in runs.get((ref.master, ref.client), ()))
    return sorted(of_members, key=lambda run: run.started)


def _moment(run: RunRow) -> Moment:
    return Moment(run, sight_of(run.cluster, run.started))
