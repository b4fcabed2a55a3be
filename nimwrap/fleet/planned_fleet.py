"""``backup --dry-run``: order, starts, expected end, what would be refused, every command. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nimwrap.backup.attempt_planner import AttemptKey, attempt_steps, plan_attempt
from nimwrap.backup.self_preflight import master_preflight
from nimwrap.clients.inventory import prior_of
from nimwrap.config.image_limits import limit_names, most_of_each
from nimwrap.config.model import BackupPolicy
from nimwrap.domain.attempt_plan import NIM, AttemptPlan
from nimwrap.domain.findings import CheckVerdict, Failure
from nimwrap.domain.make_findings import named, refuse
from nimwrap.domain.names import PLAIN_KIND, fixed_name
from nimwrap.domain.ordering import predicted_seconds
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.admission import admit, chain_of, detected_clusters, goes_first
from nimwrap.fleet.night_forecast import images_at_once
from nimwrap.fleet.queue import Queue, QueuedJob
from nimwrap.fleet.simulation import simulate
from nimwrap.hooks.planned_hook import PlannedHook, planned_hooks
from nimwrap.images.fixed_name import wanted as fixed_name_wanted
from nimwrap.images.kinds.registry import KINDS, images_of
from nimwrap.images.prune import PruneDecision, held_clients, in_series, removed_after, series
from nimwrap.images.verification import proofs_of
from nimwrap.preflight.engine import preflight
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies.base import Step, Work

if TYPE_CHECKING:
    from nimwrap.fleet.fleet_run import Order
    from nimwrap.fleet.session import Session


@dataclass(frozen=True)
class ForeseenImage:
    """What a run would leave. ``becomes``: the fixed name that it takes in the end; ``proves``: the names of the proofs
    it has to pass; ``removes``: what retention would then take away, if the new one is proven."""

    resource: str | None
    location: str
    becomes: str | None
    proves: tuple[str, ...]
    removes: tuple[PruneDecision, ...]


@dataclass(frozen=True)
class Planned:
    """One image of the plan. ``starts``/``ends`` are None for one that would not be begun, ``ends`` also for one whose
    duration nobody knows yet. ``steps``: the run's own commands; ``kept_out``: why nobody even looks at it."""

    report: PreflightReport
    kind: str
    volume_group: str = ""
    method: str | None = None
    steps: tuple[Step, ...] = ()
    foreseen: ForeseenImage | None = None
    hooks: tuple[PlannedHook, ...] = ()
    kept_out: Failure | None = None
    starts: datetime | None = None
    ends: datetime | None = None

    @property
    def refused(self) -> bool:
        return self.report.verdict is CheckVerdict.REFUSED


def dry_run(session: Session, order: Order) -> list[Planned]:
    """Look at every client as a backup would, and play the night in virtual time. Changes nothing anywhere."""
    taken = admit(session, order.refs, session.clock.now())
    images = [
        (ref, kind, group)
        for ref in order.refs
        if ref not in taken.kept_out
        for kind, group in images_of(session.config.policy(ref.master, ref.client), ref.client)
    ]
    asked: dict[tuple[str, str], list[ClientRef]] = {}
    for ref, kind, _ in images:
        asked.setdefault((ref.master, kind), []).append(ref)
    reports = {
        (report.ref, kind): _with_room(report, taken.too_large.get(report.ref))
        for (master, kind), refs in asked.items()
        for report in _reports(session, master, list(dict.fromkeys(refs)), kind)
    }
    planned = [_planned(session, reports[ref, kind], kind, group) for ref, kind, group in images]
    out = [Planned(PreflightReport(ref, ()), PLAIN_KIND, kept_out=failure) for ref, failure in taken.kept_out.items()]
    return _timed(session, planned) + out


def _reports(session: Session, master: str, refs: Sequence[ClientRef], kind: str) -> list[PreflightReport]:
    """The preflight of one kind of image: its own earlier sizes say how much room it needs."""
    context = session.master_context(master)
    if not KINDS[kind].through_client:
        return [
            master_preflight(context, ref, kind, tuple(session.reader.sizes(master, ref.client, kind))) for ref in refs
        ]
    prior = {
        ref.client: prior_of(session.reader, ref, session.listed.get(master), session.clock.now(), kind) for ref in refs
    }
    clients = [ref.client for ref in refs]
    return preflight(context.host, context.master, session.config, clients, prior, session.clock.now())


def _with_room(report: PreflightReport, short: Failure | None) -> PreflightReport:
    """The report of a client that would start alone, but has no room beside the others before it."""
    if short is None:
        return report
    finding = named("space", refuse(short.code, short.message, short.fix))
    return replace(report, findings=(*report.findings, finding))


def _planned(session: Session, report: PreflightReport, kind: str, group: str) -> Planned:
    """What the run would do with this report: the plan and the steps are those of the run itself."""
    if report.verdict is CheckVerdict.REFUSED:
        return Planned(report, kind, group)
    ref, policy = report.ref, session.config.policy(report.ref.master, report.ref.client)
    work = Work(kind, policy, session.clock.now(), volume_group=group)
    ways = report.remedies if report.source_differs else (NIM,)
    master = session.master_context(ref.master).master
    failure: Failure | None = None
    for method in ways or (NIM,):
        plan = plan_attempt(master, report, work, AttemptKey("RUN", 1, method), lambda: "\n".join(report.exports))
        if isinstance(plan, AttemptPlan):
            return Planned(
                report,
                kind,
                group,
                method,
                tuple(attempt_steps(plan, work)),
                foreseen=_foreseen(session, plan, policy),
                hooks=tuple(planned_hooks(session.config, ref, kind)),
            )
        failure = failure or plan
    assert failure is not None  # noqa: S101  there is at least one way
    finding = named("exports", refuse(failure.code, failure.message, failure.fix, failure.evidence))
    return Planned(replace(report, findings=(*report.findings, finding)), kind, group)


def _foreseen(session: Session, plan: AttemptPlan, policy: BackupPolicy) -> ForeseenImage:
    now, reader = session.clock.now(), session.reader
    rows = reader.images(plan.master, plan.client, kind=plan.kind)
    ref = ClientRef(plan.master, plan.client)
    own = series(ref, plan.kind, plan.resource or PurePosixPath(plan.location).stem)
    is_held = (plan.master, plan.client) in held_clients(reader, now)
    earlier = any(row.verified for row in rows)
    return ForeseenImage(
        resource=plan.resource or None,
        location=plan.location,
        becomes=fixed_name(plan.client) if fixed_name_wanted(plan.kind, policy) else None,
        proves=proofs_of(KINDS[plan.kind], first=not earlier),
        removes=tuple(removed_after(in_series(rows, own), policy, now, is_held=is_held)),
    )


def _timed(session: Session, planned: list[Planned]) -> list[Planned]:
    """The clients in the order they would start, with their times, the refused ones last."""
    at_once = images_at_once(session.config, session.reader, session.clock.now())
    queue: Queue[int] = Queue(at_once, limits=most_of_each(session.config))
    detected = detected_clusters(session.reader)
    seen = ((plan.report.ref, plan.report.cluster) for plan in planned)
    detected |= {ref: cluster.name for ref, cluster in seen if cluster and cluster.name}
    for index, plan in enumerate(planned):
        if plan.method is not None:
            ref = plan.report.ref
            sizes = session.reader.sizes(ref.master, ref.client, plan.kind)
            seconds = predicted_seconds(session.reader.durations(ref.master, ref.client, plan.kind), sizes)
            chain, limits = chain_of(session.config, ref, detected), limit_names(session.config, ref)
            queue.add([QueuedJob(index, ref.master, seconds, chain, first=goes_first(plan.kind), limits=limits)])
    began, timed = session.clock.now(), list[Planned]()
    for played in simulate(queue, 0.0):
        end = began + timedelta(seconds=played.ends) if played.known else None
        timed.append(replace(planned[played.job.what], starts=began + timedelta(seconds=played.starts), ends=end))
    return timed + [plan for plan in planned if plan.method is None]
