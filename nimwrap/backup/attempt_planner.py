"""How one attempt is going to make its image: the plan, the operation that carries it out, and the steps of both."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import timedelta

from nimwrap.backup.place_image import place_steps
from nimwrap.config.model import BackupPolicy, MasterConfig
from nimwrap.domain.attempt_plan import NAME_TAKEN, AttemptPlan
from nimwrap.domain.findings import Failure
from nimwrap.hosts.channel_route import SELF
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kinds.registry import KINDS, image_names
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies.base import ExportListing, Step, Work
from nimwrap.remedies.registry import remedy


@dataclass(frozen=True)
class AttemptKey:
    """Which attempt: its run, its number in it, and the way it goes (a remedy's name, or NIM's own)."""

    run: str
    number: int
    method: str


def plan_attempt(
    master: MasterConfig, report: PreflightReport, work: Work, key: AttemptKey, exports: ExportListing
) -> AttemptPlan | Failure:
    """The plan of one attempt, or why this way cannot work with what stands there; nothing is changed by it.

    ``exports`` asks for ``exportfs``'s listing, where the way needs it.
    """
    ref, policy = report.ref, work.policy
    # A second later for each further attempt: two attempts of a run never share a name.
    named = work.clock + timedelta(seconds=key.number - 1)
    names = image_names(work.kind, ref.client, policy, named, work.volume_group)
    draft = AttemptPlan(
        run=key.run,
        number=key.number,
        kind=work.kind,
        master=ref.master,
        client=ref.client,
        client_host=report.client_host or ref.client,
        master_name=report.master_name or master.host,
        channel=report.route or master.client_channel if KINDS[work.kind].through_client else SELF,
        method=key.method,
        resource=names.resource or "",
        location=names.location,
        staged=names.location,
        flags=policy.mksysb_flags,
        spool=master.spool,
        timeout_s=policy.timeout,
        stall_s=policy.stall,
        max_parallel=master.most_parallel,
        slots=master.most_parallel if master.learns_parallel else None,
        node=report.node,
        machine_id=report.machine_id,
        env=master.env,
        volume_group=work.volume_group or None,
        had_exports=tuple(line.split()[0] for line in report.exports if line.split()),
        had_allocations=tuple(f"{kind} = {name}" for kind, name in report.nim_before.allocated),
        had_cstate=report.nim_before.cstate,
        had_mounts=report.client_mounts,
        had_standing=report.standing,
    )
    return remedy(key.method).plan(draft, work, report.admission.hosts if report.admission else (), exports)


def attempt_steps(plan: AttemptPlan, work: Work) -> list[Step]:
    """Every command of the attempt, in order, until the image is in its place; the operation is made of the same."""
    return [*remedy(plan.method).steps(plan, work), *place_steps(plan)]


def command_and_undo(plan: AttemptPlan, work: Work) -> tuple[str, str | None]:
    """The shell text of the operation, and of the undo of its export change (None without one)."""
    way = remedy(plan.method)
    free = f"{PREAMBLE}[ ! -f {shlex.quote(plan.location)} ] || {{ echo {shlex.quote(NAME_TAKEN)}; exit 1; }}\n"
    return free + way.command(plan, work), way.undo(plan)


def fitting_flags(policy: BackupPolicy, report: PreflightReport) -> BackupPolicy:
    """Without flag ``e`` where there is nothing to read: what mksysb does then is not public (aix-audit, row 8)."""
    flags = policy.mksysb_flags.replace("e", "")
    return replace(policy, mksysb_flags=flags) if flags and report.exclude_file is False else policy
