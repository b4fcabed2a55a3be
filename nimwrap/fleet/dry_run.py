"""``backup --dry-run``: order, starts, expected end, what would be refused, every command. It changes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nimwrap.aix import exportfs
from nimwrap.backup.master_look import look_at_master
from nimwrap.backup.methods import NIM, Work, plan_attempt
from nimwrap.domain.findings import CheckVerdict, Failure
from nimwrap.fleet.intake import chain_of, detected_clusters, expected_seconds, images_of, take_in
from nimwrap.fleet.inventory import prior_of
from nimwrap.fleet.playing import play
from nimwrap.fleet.queue import Job, Queue
from nimwrap.images import kinds
from nimwrap.preflight.engine import preflight
from nimwrap.preflight.report import PreflightReport
from nimwrap.preflight.say import refuse
from nimwrap.remedy import own_mount

if TYPE_CHECKING:
    from nimwrap.fleet.desk import Desk
    from nimwrap.fleet.run import Order


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


def dry_run(desk: Desk, order: Order) -> list[Planned]:
    """Look at every client as a backup would, and play the night in virtual time. Changes nothing anywhere."""
    taken = take_in(desk, order.refs, desk.clock.now())
    looked_at = [ref for ref in order.refs if ref not in taken.kept_out]
    planned = []
    for master in dict.fromkeys(ref.master for ref in looked_at):
        refs = [ref for ref in looked_at if ref.master == master]
        site = desk.site(master)
        prior = {ref.client: prior_of(desk.reader, ref, desk.listed.get(master)) for ref in refs}
        clients = [ref.client for ref in refs if ref.client != kinds.MASTER]
        reports = preflight(site.host, site.master, desk.config, clients, prior, desk.clock.now())
        for report in reports:
            roomy = _with_room(report, taken.too_large.get(report.ref))
            images = images_of(desk.config.policy(master, report.ref.client), report.ref.client)
            planned += [_planned(desk, roomy, kind, group) for kind, group in images]
        for ref in (ref for ref in refs if ref.client == kinds.MASTER):
            for kind, _ in images_of(desk.config.policy(master, ref.client), ref.client):
                sizes = tuple(desk.reader.sizes(master, ref.client, kind))
                report = _with_room(look_at_master(site, ref, kind, sizes), taken.too_large.get(ref))
                planned.append(_planned(desk, report, kind, ""))
    out = [
        Planned(PreflightReport(ref, ()), kind, group, kept_out=failure)
        for ref, failure in taken.kept_out.items()
        for kind, group in images_of(desk.config.policy(ref.master, ref.client), ref.client)
    ]
    return _timed(desk, planned) + out


def _with_room(report: PreflightReport, short: Failure | None) -> PreflightReport:
    """The report of a client that would start alone, but has no room beside the others before it."""
    if short is None:
        return report
    finding = replace(refuse(short.code, short.message, short.fix), check="space")
    return replace(report, findings=(*report.findings, finding))


def _planned(desk: Desk, report: PreflightReport, kind: str, group: str) -> Planned:
    if report.verdict is CheckVerdict.REFUSED:
        return Planned(report, kind, group)
    method = next(iter(report.remedies), NIM) if report.source_differs else NIM
    return Planned(report, kind, group, method, tuple(_commands(desk, report, kind, group, method)))


def _commands(desk: Desk, report: PreflightReport, kind: str, group: str, method: str) -> Sequence[tuple[str, str]]:
    """What would be run, in order, by where."""
    ref = report.ref
    site = desk.site(ref.master)
    work = Work(kind, desk.config.policy(ref.master, ref.client), desk.clock.now(), volume_group=group)
    plan = plan_attempt(site, report, work, method if method == NIM else "own-mount", "RUN", 1)
    assert not isinstance(plan, Failure)  # noqa: S101  only pre-export may find that it cannot work
    names = kinds.ImageNames(plan.resource or None, plan.location)
    make = kinds.plan(kind, ref.client, work.policy, names, volume_group=work.volume_group).command
    master, client = ref.master, report.client_host or ref.client
    if method == NIM:
        return [(master, make)]
    hosts = report.admission.hosts if report.admission else ()
    exported = plan.directory if method == "own-mount" else plan.location.rpartition("/")[0]
    admit = shlex.join(exportfs.export_argv(exported, exportfs.admitting_options(list(hosts))))
    withdraw = f"{shlex.join(exportfs.unexport_argv(exported))}   # or back to what it was"
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


def _timed(desk: Desk, planned: list[Planned]) -> list[Planned]:
    """The clients in the order they would start, with their times, the refused ones last."""
    queue: Queue[int] = Queue({name: master.max_parallel for name, master in desk.config.masters.items()})
    detected = detected_clusters(desk.reader)
    seen = ((plan.report.ref, plan.report.cluster) for plan in planned)
    detected |= {ref: cluster.name for ref, cluster in seen if cluster and cluster.name}
    for index, plan in enumerate(planned):
        if plan.method is not None:
            ref = plan.report.ref
            durations = desk.reader.durations(ref.master, ref.client, plan.kind)
            seconds = expected_seconds(plan.kind, durations, desk.reader.sizes(ref.master, ref.client, plan.kind))
            queue.add([Job(index, ref.master, seconds, chain_of(desk.config, ref, detected))])
    began, timed = desk.clock.now(), list[Planned]()
    for played in play(queue, 0.0):
        end = began + timedelta(seconds=played.ends) if played.known else None
        timed.append(replace(planned[played.job.what], starts=began + timedelta(seconds=played.starts), ends=end))
    return timed + [plan for plan in planned if plan.method is None]
