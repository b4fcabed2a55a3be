"""The checks: each takes the situation and returns one finding. None of them asks anything anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import skip
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.checks import (
    capacity_checks,
    client_checks,
    cluster_checks,
    export_checks,
    identity_checks,
    nim_checks,
    source_checks,
    timeouts,
)
from nimwrap.preflight.facts import FactError

CHECKS: tuple[tuple[str, Callable[[CheckContext], Finding]], ...] = (
    ("master_tools", nim_checks.tools),
    ("master_settings", nim_checks.master_settings),
    ("client_known", nim_checks.client_known),
    ("name_rule", nim_checks.name_rule),
    ("control", nim_checks.control),
    ("cstate", nim_checks.cstate),
    ("allocated", nim_checks.allocated),
    ("channel", identity_checks.channel),
    ("identity", identity_checks.identity),
    ("cpuid", identity_checks.cpuid),
    ("source_address", source_checks.source_address),
    ("reverse_lookup", source_checks.reverse_lookup),
    ("cluster", cluster_checks.cluster),
    ("rootvg", client_checks.rootvg),
    ("busy", client_checks.busy),
    ("filesets", client_checks.filesets),
    ("exports", export_checks.exports),
    ("directory", export_checks.directory),
    ("large_files", capacity_checks.large_files),
    ("space", capacity_checks.space),
    ("fsize", capacity_checks.fsize),
    ("tmp", capacity_checks.tmp),
    ("exclude_file", client_checks.exclude_file),
    ("clock", identity_checks.clock),
    ("deadline", timeouts.deadline),
)
"""In the order in which they are shown. The names are stable."""


def run_checks(situation: CheckContext) -> tuple[Finding, ...]:
    """One finding for each check; a check whose facts are missing is skipped, with the reason."""
    return tuple(replace(_made(check, situation), check=name) for name, check in CHECKS)


def _made(check: Callable[[CheckContext], Finding], situation: CheckContext) -> Finding:
    try:
        return check(situation)
    except FactError as missing:
        return skip(missing.reason, missing.raw)
