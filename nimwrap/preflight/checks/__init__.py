"""The checks: each takes the situation and returns one finding. None of them asks anything anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nimwrap.domain.findings import Finding
from nimwrap.preflight.checks import answered, client, cluster, exports, identity, nim, room, source
from nimwrap.preflight.facts import FactError
from nimwrap.preflight.say import skip
from nimwrap.preflight.situation import Situation

CHECKS: tuple[tuple[str, Callable[[Situation], Finding]], ...] = (
    ("master_tools", nim.tools),
    ("client_known", nim.client_known),
    ("name_rule", nim.name_rule),
    ("control", nim.control),
    ("cstate", nim.cstate),
    ("allocated", nim.allocated),
    ("channel", identity.channel),
    ("identity", identity.identity),
    ("cpuid", identity.cpuid),
    ("source_address", source.source_address),
    ("reverse_lookup", source.reverse_lookup),
    ("cluster", cluster.cluster),
    ("rootvg", client.rootvg),
    ("busy", client.busy),
    ("filesets", client.filesets),
    ("exports", exports.exports),
    ("directory", exports.directory),
    ("large_files", room.large_files),
    ("space", room.space),
    ("fsize", room.fsize),
    ("tmp", room.tmp),
    ("exclude_file", client.exclude_file),
    ("clock", identity.clock),
    ("deadline", answered.deadline),
)
"""In the order in which they are shown. The names are stable."""


def run_checks(situation: Situation) -> tuple[Finding, ...]:
    """One finding for each check; a check whose facts are missing is skipped, with the reason."""
    return tuple(replace(_made(check, situation), check=name) for name, check in CHECKS)


def _made(check: Callable[[Situation], Finding], situation: Situation) -> Finding:
    try:
        return check(situation)
    except FactError as missing:
        return skip(missing.reason, missing.raw)
