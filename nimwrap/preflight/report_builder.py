"""From the situation and the findings to the report that the later steps work with."""

from __future__ import annotations

from nimwrap.domain.findings import Finding
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.checks.client_checks import backups_running
from nimwrap.preflight.checks.cluster_checks import cluster_of
from nimwrap.preflight.checks.source_checks import obstacle
from nimwrap.preflight.export_allowlist import export_allowlist_of
from nimwrap.preflight.nearby_exports import mount_point, nearby_exports
from nimwrap.preflight.possible_remedies import possible_remedies
from nimwrap.preflight.preflight_report import NimState, PreflightReport
from nimwrap.preflight.source_address import STRONG


def mounted(s: CheckContext) -> tuple[str, ...] | None:
    """The mount points of the client's NFS mounts; None when it did not tell."""
    rows = s.client.mounts.value
    return None if rows is None else tuple(row.mounted_on for row in rows if row.node)


def report_of(s: CheckContext, findings: tuple[Finding, ...]) -> PreflightReport:
    """The report of one client. Remedies are named only where one is needed and nothing forbids it."""
    answer = s.client.source.value
    differs = s.source.actual != s.source.expected and s.source.actual is not None and s.source.expected is not None
    route = "" if s.channel is None or not s.channel.reached else s.channel.route
    usable = differs and s.source.method in STRONG and not obstacle(s)
    return PreflightReport(
        ref=s.ref,
        findings=findings,
        source_address=s.source,
        cluster=cluster_of(s.client),
        client_host=s.host,
        master_name=answer.master_name if answer else None,
        node=s.client.node.value,
        machine_id=s.client.machine_id.value,
        admission=export_allowlist_of(s),
        remedies=possible_remedies(s) if usable else (),
        nim_before=NimState(s.nim.cstate, s.allocated, s.nim.attributes) if s.nim else NimState(),
        directory=s.path,
        mount_point=mount_point(s),
        exports=tuple(export.text for export in nearby_exports(s)),
        standing=_standing(s),
        client_mounts=mounted(s),
        available_bytes=s.available_bytes,
        route=route,
        channel_calls=0 if s.channel is None else s.channel.calls,
        exclude_file=excluding.patterns is not None if (excluding := s.client.exclude_file.value) else None,
        route_is_new=route not in ("", s.prior.route),
        processes_before=tuple(process.line for process in backups_running(s.client)),
    )


def _standing(s: CheckContext) -> tuple[str, ...] | None:
    entries = s.on_master.standing.value
    return None if entries is None else tuple(dict.fromkeys(entry.directory for entry in entries))
