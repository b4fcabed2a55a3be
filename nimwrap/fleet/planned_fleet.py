"""``backup --dry-run``: order, starts, expected end, what would be refused, every command. It changes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.aix import exportfs
from nimwrap.backup.attempt_plan import AttemptPlan
from nimwrap.backup.attempt_planner import NIM, Work, environment, plan_attempt, pre_export_plan
from nimwrap.backup.self_preflight import master_preflight, through_client
from nimwrap.clients.inventory import prior_of
from nimwrap.domain.findings import CheckVerdict, Failure
from nimwrap.domain.ordering import predicted_seconds
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.admission import admit, chain_of, detected_clusters, goes_first
from nimwrap.fleet.queue import Queue, QueuedJob
from nimwrap.fleet.simulation import simulate
from nimwrap.images import kinds
from nimwrap.images.kinds import images_of
from nimwrap.preflight.engine import preflight
from nimwrap.preflight.make_findings import named, refuse
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies import own_mount

if TYPE_CHECKING:
    from nimwrap.fleet.fleet_run import Order
    from nimwrap.fleet.session import Session


@dataclass(frozen=True)
class Planned:
    """One image of the plan. ``starts``/``ends`` are None for one that would not be begun, ``ends`` also for one whose
    duration nobody knows yet. ``commands``: (where, command) in order; ``kept_out``: why nobody even looks at it."""

    report: PreflightReport
    kind: str
    volume_group: str = ""
    method: str | None = None
    commands: tuple[tuple[str, str], ...] = ()
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
    out = [Planned(PreflightReport(ref, ()), "mksysb", kept_out=failure) for ref, failure in taken.kept_out.items()]
    return _timed(session, planned) + out


def _reports(session: Session, master: str, refs: Sequence[ClientRef], kind: str) -> list[PreflightReport]:
    """The preflight of one kind of image: its own earlier sizes say how much room it needs."""
    context = session.master_context(master)
    if not through_client(kind):
        return [
            master_preflight(context, ref, kind, tuple(session.reader.sizes(master, ref.client, kind))) for ref in refs
        ]
    prior = {ref.client: prior_of(session.reader, ref, session.listed.get(master), kind) for ref in refs}
    clients = [ref.client for ref in refs]
    return preflight(context.host, context.master, session.config, clients, prior, session.clock.now())


def _with_room(report: PreflightReport, short: Failure | None) -> PreflightReport:
    """The report of a client that would start alone, but has no room beside the others before it."""
    if short is None:
        return report
    finding = named("space", refuse(short.code, short.message, short.fix))
    return replace(report, findings=(*report.findings, finding))


def _planned(session: Session, report: PreflightReport, kind: str, group: str) -> Planned:
    if report.verdict is CheckVerdict.REFUSED:
        return Planned(report, kind, group)
    method = next(iter(report.remedies), NIM) if report.source_differs else NIM
    return Planned(report, kind, group, method, tuple(_commands(session, report, kind, group, method)))


def _commands(
    session: Session, report: PreflightReport, kind: str, group: str, method: str
) -> Sequence[tuple[str, str]]:
    """What would be run, in order, by where."""
    ref = report.ref
    context = session.master_context(ref.master)
    work = Work(kind, session.config.policy(ref.master, ref.client), session.clock.now(), volume_group=group)
    plan: AttemptPlan | Failure = plan_attempt(
        context, report, work, NIM if method == "pre-export" else method, "RUN", 1
    )
    hosts = report.admission.hosts if report.admission else ()
    if method == "pre-export" and isinstance(plan, AttemptPlan):
        plan = pre_export_plan(plan, "\n".join(report.exports), hosts)
    assert not isinstance(plan, Failure)  # noqa: S101  the preflight names no remedy that cannot work
    names = kinds.ImageNames(plan.resource or None, plan.location)
    env = environment(plan).replace("\n", "; ")
    make = env + kinds.plan(kind, ref.client, work.policy, names, volume_group=work.volume_group).command
    master, client = ref.master, report.client_host or ref.client
    if method == NIM:
        return [(master, make)]
    exported = plan.exported or ""
    admit = shlex.join(exportfs.export_argv(exported, plan.after or ""))
    back = exportfs.export_argv(exported, plan.before) if plan.before else exportfs.unexport_argv(exported)
    withdraw = shlex.join(back)
    if method == "pre-export":
        return [(master, admit), (master, make), (master, withdraw)]
    point = f"{own_mount.client_room('RUN')}/mnt"
    image = f"{point}/{plan.image_name}"
    define = kinds.define_finished(kind, names)
    return [
        (master, admit),
        (client, f"mount {plan.master_name}:{plan.directory} {point}"),
        (client, shlex.join(kinds.on_client(kind, image, work.policy, work.volume_group))),
        (client, f"umount {point}"),
        (master, withdraw),
        (master, f"mv {plan.staged} {plan.location}"),
        *([(master, shlex.join(define))] if define else []),
    ]


def _timed(session: Session, planned: list[Planned]) -> list[Planned]:
    """The clients in the order they would start, with their times, the refused ones last."""
    queue: Queue[int] = Queue({name: master.most_parallel for name, master in session.config.masters.items()})
    detected = detected_clusters(session.reader)
    seen = ((plan.report.ref, plan.report.cluster) for plan in planned)
    detected |= {ref: cluster.name for ref, cluster in seen if cluster and cluster.name}
    for index, plan in enumerate(planned):
        if plan.method is not None:
            ref = plan.report.ref
            sizes = session.reader.sizes(ref.master, ref.client, plan.kind)
            seconds = predicted_seconds(session.reader.durations(ref.master, ref.client, plan.kind), sizes)
            chain = chain_of(session.config, ref, detected)
            queue.add([QueuedJob(index, ref.master, seconds, chain, first=goes_first(plan.kind))])
    began, timed = session.clock.now(), list[Planned]()
    for played in simulate(queue, 0.0):
        end = began + timedelta(seconds=played.ends) if played.known else None
        timed.append(replace(planned[played.job.what], starts=began + timedelta(seconds=played.starts), ends=end))
    return timed + [plan for plan in planned if plan.method is None]
