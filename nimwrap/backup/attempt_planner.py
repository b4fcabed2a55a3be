"""How one attempt is going to make its image: NIM's own way, or through a remedy; and the plan that follows from it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from nimwrap.aix import etc_exports, exportfs
from nimwrap.aix.text import Unrecognised
from nimwrap.backup.attempt_plan import NAME_TAKEN, AttemptPlan
from nimwrap.config.model import BackupPolicy
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.hosts.channel_route import SELF
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images import kinds
from nimwrap.master_context import MasterContext
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies import own_mount, pre_export
from nimwrap.remedies.export_options import admitting_options, widened_options
from nimwrap.remedies.undo import undo_script

NIM = "nim"


@dataclass(frozen=True)
class Work:
    """What one run is asked to make. ``clock`` is the master's time, from which the image gets its name;
    ``sizes`` are those of this client's earlier images in bytes, newest first; ``volume_group`` only for savevg."""

    kind: str
    policy: BackupPolicy
    clock: datetime
    sizes: tuple[int, ...] = ()
    volume_group: str = ""


def plan_attempt(
    context: MasterContext, report: PreflightReport, work: Work, method: str, run: str, number: int
) -> AttemptPlan | Failure:
    """The plan of one attempt, or why this method cannot work with what stands there; nothing is changed by it."""
    ref, policy = report.ref, work.policy
    # A second later for each further attempt: two attempts of a run never share a name.
    named = work.clock + timedelta(seconds=number - 1)
    names = kinds.image_names(work.kind, ref.client, policy, named, work.volume_group)
    staged = names.location
    if method == "own-mount":
        staged = f"{policy.directory.rstrip('/')}/.nimwrap/{run}/{PurePosixPath(names.location).name}"
    plan = AttemptPlan(
        run=run,
        number=number,
        kind=work.kind,
        master=ref.master,
        client=ref.client,
        client_host=report.client_host or ref.client,
        master_name=report.master_name or context.master.host,
        channel=report.route or context.master.client_channel if kinds.KINDS[work.kind].through_client else SELF,
        method=method,
        resource=names.resource or "",
        location=names.location,
        staged=staged,
        flags=policy.mksysb_flags,
        spool=context.master.spool,
        timeout_s=policy.timeout,
        stall_s=policy.stall,
        max_parallel=context.master.max_parallel,
        node=report.node,
        machine_id=report.machine_id,
        env=context.master.env,
        volume_group=work.volume_group or None,
        had_exports=tuple(line.split()[0] for line in report.exports if line.split()),
        had_allocations=tuple(f"{kind} = {name}" for kind, name in report.nim_before.allocated),
        had_cstate=report.nim_before.cstate,
        had_mounts=report.client_mounts,
    )
    if method == NIM:
        return plan
    hosts = report.admission.hosts if report.admission else ()
    if method == "own-mount":
        return replace(plan, exported=plan.directory, added=hosts, after=admitting_options(hosts))
    listing = context.act(plan.run, "the exports before the change", PREAMBLE + shlex.join(exportfs.list_argv())).stdout
    return pre_export_plan(plan, listing, hosts)


def pre_export_plan(plan: AttemptPlan, listing: str, hosts: tuple[str, ...]) -> AttemptPlan | Failure:
    """The directory's own export as exportfs lists it, widened by ``hosts``; one for reading is left alone."""
    try:
        entries = etc_exports.parse_listing(listing) if listing.strip() else []
    except Unrecognised:
        entries = []
    entry = next((entry for entry in entries if entry.directory == plan.directory), None)
    if entry is None:
        return replace(plan, exported=plan.directory, added=hosts, after=admitting_options(hosts))
    before = entry.options or "rw"  # what no option at all means (the exports file)
    if entry.read_only:
        return Failure(
            FailureCode.EXPORT_CONFLICT,
            f"{plan.directory} is exported for reading only, so that pre-export cannot let {plan.client} write there",
            f"if nothing uses it: exportfs -u {plan.directory}, and take its line out of /etc/exports; or allow "
            'own-mount: remedies = ["own-mount", "pre-export"]',
            entry.text,
        )
    after, added = widened_options(before, hosts)
    return replace(plan, exported=plan.directory, added=added, before=before, after=after)


def command_and_undo(context: MasterContext, plan: AttemptPlan, work: Work) -> tuple[str, str | None]:
    """The shell text of the operation, and of the undo of its export change (None without one)."""
    names = kinds.ImageNames(plan.resource or None, plan.staged)
    made = kinds.plan(work.kind, plan.client, work.policy, names, volume_group=work.volume_group, force=plan.force)
    nim = f"{environment(plan)}{_home(plan)}{made.command}\n"
    free = f"{PREAMBLE}[ ! -f {shlex.quote(plan.location)} ] || {{ echo {shlex.quote(NAME_TAKEN)}; exit 1; }}\n"
    if plan.method == NIM:
        return f"{free}{nim}", None
    undo = undo_script(plan.exported or "", plan.added, plan.before)
    if plan.method == "pre-export":
        return free + pre_export.command_text(plan.directory, plan.before, plan.after or "", plan.added, nim), undo
    path = f"{own_mount.client_room(plan.run)}/mnt/{plan.image_name}"
    command = own_mount.command_text(
        run=plan.run,
        channel=plan.channel,
        client_host=plan.client_host,
        source=f"{plan.master_name}:{plan.directory}",
        stage=own_mount.stage_script(plan.directory, plan.after or ""),
        mksysb=shlex.join(kinds.on_client(work.kind, path, work.policy, work.volume_group)),
    )
    return free + command, undo


def environment(plan: AttemptPlan) -> str:
    """Shell text that sets what the configuration gives NIM to know, a line for each."""
    return "".join(f"{key}={shlex.quote(value)}; export {key}\n" for key, value in sorted(plan.env.items()))


def _home(plan: AttemptPlan) -> str:
    """The image's own directory must be there; NIM does not make it (0042-154, aix-nim 6.2)."""
    directory = shlex.quote(plan.directory)
    return f"[ -d {directory} ] || mkdir -p {directory} || exit {own_mount.STAGING_FAILED}\n"
