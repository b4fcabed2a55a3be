"""Preflight of what a master makes of itself (its NIM database, its own mksysb): no client, no network, no export."""

from __future__ import annotations

import shlex
from dataclasses import replace

from nimwrap.aix import df, lsnim, nim
from nimwrap.aix.messages import headline
from nimwrap.config.model import Config
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import named, ok, refuse, skip, trouble
from nimwrap.domain.names import is_safe_path
from nimwrap.domain.records import ClientRef
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Answer, Question
from nimwrap.images import image_probe
from nimwrap.images.capacity import next_image_bytes
from nimwrap.images.kinds.registry import KINDS, home
from nimwrap.master_context import MasterContext
from nimwrap.preflight.preflight_report import PreflightReport


def master_preflight(context: MasterContext, ref: ClientRef, kind: str, sizes: tuple[int, ...]) -> PreflightReport:
    """One report; trouble with the master is a finding that refuses, not an exception. Changes nothing."""
    return master_report(context.host, context.config, ref, kind, sizes)


def master_report(host: Host, config: Config, ref: ClientRef, kind: str, sizes: tuple[int, ...]) -> PreflightReport:
    """The same, for whoever has no history to write to."""
    policy = config.policy(ref.master, ref.client)
    directory = home(ref.client, policy)
    if not is_safe_path(directory):
        return _report(
            ref,
            named(
                "directory",
                refuse(FailureCode.NAME_INVALID, f"{directory[:80]!r} is not a plain path", "set backup.directory"),
            ),
        )
    tool = KINDS[kind].master_tool
    asked = [
        Question("nim", f"[ -x {nim.NIM} ] && {shlex.join(lsnim.long_argv('master'))}", 60),
        Question("tool", f"[ -x {tool} ]"),
        Question("node", "uname -n"),
        Question("machine", "uname -m"),
        Question("space", image_probe.df_shell(directory), 60),
    ]
    try:
        given = image_probe.ask(host, asked)
    except NimwrapError as error:
        return _report(ref, trouble(error))
    findings = (
        named("master", _nim(given["nim"])),
        named("tool", _tool(tool, given["tool"])),
        named("space", _space(given["space"], sizes)),
    )
    node, machine = (_word(given[name]) for name in ("node", "machine"))
    return replace(_report(ref, *findings), node=node, machine_id=machine, directory=directory)


def _report(ref: ClientRef, *findings: Finding) -> PreflightReport:
    return PreflightReport(ref, findings)


def _word(answer: Answer) -> str | None:
    """What the master calls itself; None when it does not say: the image is then proven without it."""
    return None if answer.unknown or answer.failed else answer.output.strip() or None


def _tool(path: str, answer: Answer) -> Finding:
    if answer.succeeded:
        return ok(f"{path} is there")
    if answer.unknown:
        return skip(f"the master does not say whether {path} is there", answer.output)
    return refuse(
        FailureCode.NIM_REFUSED,
        f"{path} is not on the master",
        "install bos.sysmgt.nim.master and bos.sysmgt.sysbr there",
    )


def _nim(answer: Answer) -> Finding:
    if answer.succeeded:
        return ok("nim and lsnim are there")
    if answer.unknown:
        return skip("lsnim gave no answer within its limit", answer.output)
    return refuse(
        FailureCode.NIM_REFUSED,
        f"this is no NIM master: {headline(answer.output) or 'lsnim says nothing'}",
        "see on the master: lsnim -l master",
        answer.output,
    )


def _space(answer: Answer, sizes: tuple[int, ...]) -> Finding:
    if answer.unknown or answer.failed:
        return skip("df says nothing about the directory", answer.output)
    filesystem = df.parse(answer.output)[-1]
    needed = next_image_bytes(sizes) or 1
    if filesystem.free_bytes is None:
        return skip(f"df has no figures for {filesystem.mounted_on}", answer.output)
    said = f"{format_size(filesystem.free_bytes)} free in {filesystem.mounted_on}"
    if filesystem.free_bytes < needed:
        return refuse(
            FailureCode.SPACE_SHORT,
            f"{said}, {format_size(needed)} needed by the last images",
            "see what nimwrap images prune --dry-run would free",
            answer.output,
        )
    return ok(said, answer.output)
