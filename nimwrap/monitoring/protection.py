"""Who is protected and who is not: the one place that status, Nagios, metrics, report and digest look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nimwrap.clients.known_clients import NimMachine, known_of
from nimwrap.config.model import BackupPolicy, Config
from nimwrap.copies.copy_health import CopyHealth, copy_healths
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.local_time import local_text
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef, Key
from nimwrap.domain.retention import CLOCK_TOLERANCE
from nimwrap.domain.verdict import (
    SEVERITY,
    Facts,
    Judged,
    Reason,
    ReasonCode,
    Verdict,
    inventory_fault,
    judge,
    worst,
)
from nimwrap.history.drill_row import DrillRow
from nimwrap.history.model import FleetRow, HoldRow, ImageRow, InventoryRow, MachineImages
from nimwrap.history.ports import Queries
from nimwrap.monitoring.cluster_views import ClusterView, cluster_names, newest_sights, views
from nimwrap.monitoring.collector_pause import collector_paused
from nimwrap.monitoring.kind_status import with_all_kinds, with_masters_themselves
from nimwrap.monitoring.report.next_steps import next_steps
from nimwrap.monitoring.schedule_coverage import Plans, missed_slots, read_plans

ENDLESS_S = 86400
"""A run may go on for twice its timeout, and for a day in any case, before its missing end is a fault."""


@dataclass(frozen=True)
class ClientView:
    """One client with its verdict. ``row``: as the view ``fleet_status`` has it; ``hold``: its row, or None.

    ``age_s``: seconds since the last good image, None without one. ``advice``: what to do, empty when all is well.
    """

    ref: ClientRef
    judged: Judged
    row: FleetRow
    hold: HoldRow | None
    next_run: datetime | None
    policy_max_age_s: int
    age_s: float | None = None
    cluster: str | None = None
    excluded: bool = False
    advice: str = ""
    copies: tuple[CopyHealth, ...] = ()
    machines: tuple[MachineImages, ...] = ()
    """Where it has been several: its hardware was replaced, or it moved."""
    last_drill: DrillRow | None = None


@dataclass(frozen=True)
class Protection:
    """The whole site at one moment, the worst client first. ``faults``: of the site itself."""

    at: datetime
    clients: tuple[ClientView, ...]
    faults: tuple[Reason, ...]
    inventory_age_s: float | None
    clusters: tuple[ClusterView, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return worst([*(client.judged.verdict for client in self.clients), *(fault.verdict for fault in self.faults)])

    @property
    def bad(self) -> tuple[ClientView, ...]:
        """The clients that are not fine."""
        return tuple(view for view in self.clients if view.judged.verdict is not Verdict.OK)

    def of(self, refs: Collection[ClientRef]) -> Protection:
        """Some clients alone, with their clusters; of the site's faults those of their masters' inventories."""
        masters = {ref.master for ref in refs}
        return replace(
            self,
            clients=tuple(view for view in self.clients if view.ref in refs),
            clusters=tuple(cluster for cluster in self.clusters if not set(cluster.members).isdisjoint(refs)),
            faults=tuple(
                fault
                for fault in self.faults
                if fault.code in (ReasonCode.INVENTORY_OLD, ReasonCode.REMOVALS_STOPPED, ReasonCode.EXPORT_LEFT)
                and not masters.isdisjoint(fault.subjects)
            ),
        )

    def count(self, verdict: Verdict) -> int:
        return sum(client.judged.verdict is verdict for client in self.clients)

    @property
    def named(self) -> dict[ClientRef, str]:
        """What each client is called here: with its master only where several masters are shown."""
        alone = len({view.ref.master for view in self.clients}) == 1
        return {view.ref: view.ref.client if alone else str(view.ref) for view in self.clients}

    @property
    def sentence(self) -> str:
        """The state of the site in one sentence."""
        total = len(self.clients)
        if not total:
            return "No client is known yet, so nothing is protected."
        clients = "client" if total == 1 else "clients"
        bad = self.bad
        if not bad and not self.faults:
            return f"All {total} {clients} are protected." if total > 1 else "The one client is protected."
        if not bad:
            return f"All {total} {clients} are protected, but {self.faults[0].text}."
        critical = self.count(Verdict.CRITICAL)
        if critical:
            return f"{critical} of {total} {clients} {'is' if critical == 1 else 'are'} not protected."
        attention = "needs" if len(bad) == 1 else "need"
        return f"Nobody is without protection, but {len(bad)} of {total} {clients} {attention} a look."


def protection(config: Config, reader: Queries, now: datetime, *, max_age_s: int | None = None) -> Protection:
    """Judge every client known to NIM. ``max_age_s`` overrides the policy of all."""
    with collector_paused():
        return _protection(config, reader, now, max_age_s)


def _protection(config: Config, reader: Queries, now: datetime, max_age_s: int | None) -> Protection:
    policies = _Policies(config)
    rows = with_all_kinds(reader, with_masters_themselves(config, reader, reader.fleet()), policies.kinds)
    listed = (NimMachine(row.master, row.client, row.type) for row in rows if not row.vanished)
    known = known_of(config, listed)
    site = _Site(
        now,
        policies,
        max_age_s,
        read_plans(config, reader, known, now),
        missed_slots(reader, now),
        {(hold.master, hold.client): hold for hold in reader.holds(now)},
        _open_changes(reader),
        _image_faults(reader, now),
        {row.master: row for row in reader.inventories()},
        _ever_good(reader, [row for row in rows if row.last_good is None]),
        copy_healths(config, reader, [(row.master, row.client) for row in rows], now),
        _machines(reader),
        {drill.key: drill for drill in reader.last_drills()},
    )
    sights = newest_sights(reader)
    names = cluster_names(config, rows, sights)
    clients = [site.view((row.master, row.client), row, names) for row in rows]
    faults = [*site.plans.faults, *_inventory_faults(config, site.inventories, now), *_stops(config, reader)]
    faults += _exports_left(config, reader)
    if not rows:
        text = "no client is known; nimwrap status --refresh asks the masters"
        faults.append(Reason(Verdict.UNKNOWN, ReasonCode.NO_CLIENT, text))
    age = _inventory_age(config, site.inventories, now)
    return Protection(now, _worst_first(clients), tuple(faults), age, views(names, sights))


class _Policies:
    """What the configuration says of each client."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def of(self, key: Key) -> BackupPolicy:
        return self.config.policy(*key)

    def excluded(self, key: Key) -> bool:
        return bool(self.config.clients) and self.config.client(*key).exclude

    def kinds(self, key: Key) -> Sequence[str]:
        """The kinds of image that are made of this client."""
        policy = self.of(key)
        if policy.kinds == (PLAIN_KIND,):
            return policy.kinds
        from nimwrap.images.kinds.registry import kinds_of

        return kinds_of(policy, key[1])


@dataclass(frozen=True)
class _Site:
    """Everything that is asked once for all clients."""

    now: datetime
    policies: _Policies
    max_age_s: int | None
    plans: Plans
    missed: Mapping[Key, tuple[datetime, str]]
    holds: Mapping[Key, HoldRow]
    changes: Mapping[Key, tuple[Reason, ...]]
    faulty: Mapping[Key, tuple[Reason, ...]]
    inventories: Mapping[str, InventoryRow]
    ever_good: Collection[Key]
    copies: Mapping[Key, Sequence[CopyHealth]]
    machines: Mapping[Key, Sequence[MachineImages]]
    drills: Mapping[Key, DrillRow]

    def view(self, key: Key, row: FleetRow, clusters: Mapping[Key, str]) -> ClientView:
        policy = self.policies.of(key)
        max_age_s = policy.max_age if self.max_age_s is None else self.max_age_s
        hold = self.holds.get(key)
        excluded = self.policies.excluded(key)
        copies = tuple(self.copies.get(key, ()))
        machines = tuple(self.machines.get(key, ()))
        several = machines if len(machines) > 1 else ()
        facts = Facts(
            max_age_s=max_age_s,
            kind=row.kind,
            last_good=_time(row.last_good),
            last_good_warned=row.last_good_outcome == "warning",
            ever_good=key in self.ever_good,
            last_run=_time(row.last_started),
            last_outcome=row.last_outcome,
            last_failure=row.failure_message or row.failure_code or "",
            last_failure_code=row.failure_code or "",
            held=hold.reason if hold else None,
            excluded=excluded,
            vanished=_time(row.vanished),
            scheduled=None if row.vanished else self.plans.covers(key),
            missed=self.missed.get(key),
            patience_s=max(ENDLESS_S, 2 * policy.timeout),
            open_changes=self.changes.get(key, ()),
            image_faults=self.faulty.get(key, ()),
            copy_faults=tuple(reason for each in copies if (reason := each.reason)),
            seen=key[0] in self.inventories and bool(self.inventories[key[0]].taken),
        )
        age = (self.now - facts.last_good).total_seconds() if facts.last_good else None
        start = (self.plans.starts or {}).get(key)
        judged = judge(facts, self.now)
        ref = ClientRef(*key)
        name = str(ref) if len(self.policies.config.masters) > 1 else ref.client
        step = next_steps(name, judged, row, held=hold is not None, scheduled=facts.scheduled)
        cluster = clusters.get(key)
        view = ClientView(ref, judged, row, hold, start, max_age_s, age, cluster, excluded, step, copies, several)
        return replace(view, last_drill=self.drills.get(key))


def _worst_first(clients: Iterable[ClientView]) -> tuple[ClientView, ...]:
    """By verdict, then by age; the nodes of a cluster stay together, at the place of the worst of them."""
    groups: dict[tuple[str, str], list[ClientView]] = {}
    for view in clients:
        group = f"cluster {view.cluster}" if view.cluster else str(view.ref)
        groups.setdefault((view.ref.master, group), []).append(view)
    ordered = [sorted(members, key=_badness) for members in groups.values()]
    ordered.sort(key=lambda members: _badness(members[0]))
    return tuple(view for members in ordered for view in members)


def _badness(view: ClientView) -> tuple[int, bool, float, str]:
    age = float("inf") if view.age_s is None else view.age_s
    return -SEVERITY[view.judged.verdict], view.excluded, -age, str(view.ref)


def _time(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None


def _ever_good(reader: Queries, rows: Iterable[FleetRow]) -> set[Key]:
    """Those of whom an image was proven once, of the kind that the row tells of."""
    of_kind: dict[str, list[Key]] = {}
    for row in rows:
        of_kind.setdefault(row.kind or PLAIN_KIND, []).append(row.key)
    return {key for kind, keys in of_kind.items() for key in reader.ever_good(keys, kind)}


def _open_changes(reader: Queries) -> dict[Key, tuple[Reason, ...]]:
    """Per client, what is open of its export changes. A planned one whose run still lives is at work, not open."""
    changes = reader.open_changes()
    runs = {run.id: run for run in reader.runs_with_open_changes()}
    found: dict[Key, tuple[Reason, ...]] = {}
    for change in changes:
        run = runs[change.run]
        if run.outcome == "running" and change.state != "foreign":
            continue
        code, cure = ReasonCode.EXPORT_OPEN, "nimwrap recover undoes it"
        if change.state == "foreign":
            code = ReasonCode.EXPORT_FOREIGN
            cure = "nimwrap does not understand the entry any more, so a person must look: nimwrap exports list"
        what = f"the export of {change.directory} is still open wider than it was"
        key = (run.master, run.client)
        reason = Reason(Verdict.CRITICAL, code, f"{what}; {cure}", (change.directory,))
        found[key] = (*found.get(key, ()), reason)
    return found


def _image_faults(reader: Queries, now: datetime) -> dict[Key, tuple[Reason, ...]]:
    """Per client, its kept images that are faulty or gone, and those whose date cannot be true."""
    found: dict[Key, tuple[Reason, ...]] = {}
    faulty = reader.faulty_images()
    good = reader.last_good_of([image.key for image in faulty])
    for image in faulty:
        left = good.get((*image.key, image.kind))
        found[image.key] = (*found.get(image.key, ()), _of_faulty(image, left.created if left else ""))
    for image in reader.images_dated_after(now + CLOCK_TOLERANCE):
        key = (image.master, image.client)
        text = f"{image.location} is dated in the future ({image.created}): a clock was wrong; no age can be told by it"
        reason = Reason(Verdict.WARNING, ReasonCode.IMAGE_MISDATED, text, (image.location,))
        found[key] = (*found.get(key, ()), reason)
    return found


def _of_faulty(image: ImageRow, good: str) -> Reason:
    """What a faulty image means beside the newest ``good`` one left: that the last good one is gone is critical."""
    gone = image.fault_code == FailureCode.IMAGE_MISSING
    if gone and image.verified and image.created >= good:
        text = f"its last good image is gone: {image.location} (made {local_text(image.created)})"
        return Reason(Verdict.CRITICAL, ReasonCode.IMAGE_GONE, text, (image.location,))
    return Reason(Verdict.WARNING, ReasonCode.IMAGE_FAULTY, f"a kept image is faulty: {image.fault}", (image.location,))


def _exports_left(config: Config, reader: Queries) -> list[Reason]:
    """What stands on the masters without a row in the journal, as it was seen last."""
    return [
        Reason(
            Verdict.CRITICAL if row.open else Verdict.WARNING,
            ReasonCode.EXPORT_LEFT,
            f"on {row.master} {row.why}; {row.cure}",
            (row.master, row.directory),
        )
        for row in reader.left_exports()
        if row.master in config.masters
    ]


def _stops(config: Config, reader: Queries) -> list[Reason]:
    """Masters on which nothing is removed until a person has looked."""
    found = {master: reader.removal_stop(master) for master in config.masters}
    return [
        Reason(
            Verdict.WARNING,
            ReasonCode.REMOVALS_STOPPED,
            f"no image is removed on {master} since {local_text(stop.since)}: {stop.why}; "
            "see what happened, then nimwrap images prune --resume",
            (master,),
        )
        for master, stop in found.items()
        if stop is not None and stop.resumed is None
    ]


def _machines(reader: Queries) -> dict[Key, list[MachineImages]]:
    found: dict[Key, list[MachineImages]] = {}
    for one in reader.machines():
        found.setdefault((one.master, one.client), []).append(one)
    return found


def _inventory_faults(config: Config, inventories: Mapping[str, InventoryRow], now: datetime) -> list[Reason]:
    faults = []
    for master in config.masters:
        row = inventories.get(master)
        fault = inventory_fault(_time(row.taken) if row else None, now)
        if fault:
            why = f" (last try: {row.error})" if row and row.error else ""
            text = f"the inventory of {master} {fault}{why}; nimwrap status --refresh"
            faults.append(Reason(Verdict.WARNING, ReasonCode.INVENTORY_OLD, text, (master,)))
    return faults


def _inventory_age(config: Config, inventories: Mapping[str, InventoryRow], now: datetime) -> float | None:
    """The age of the oldest inventory of the configured masters, None when one was never taken."""
    found = [inventories.get(master) for master in config.masters]
    times = [_time(row.taken) if row else None for row in found]
    if not times or any(time is None for time in times):
        return None
    return max((now - time).total_seconds() for time in times if time is not None)
