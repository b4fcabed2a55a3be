"""``nimwrap doctor``: everything about this installation, each fault with its fix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import Problem
from nimwrap.domain.findings import CheckStatus

if TYPE_CHECKING:
    from nimwrap.domain.findings import Finding


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    ctx: typer.Context,
    observe: Annotated[
        Path | None,
        typer.Option("--observe", metavar="DIR", help="Record what this estate answers to harmless questions, masked."),
    ] = None,
) -> None:
    """Look at everything about this installation and tell how to mend each fault; changes nothing.

    Example: nimwrap doctor
    """
    invocation = current(ctx)
    if observe is not None:
        _observe(invocation, observe)
    from nimwrap.config.load import find_config
    from nimwrap.service.doctor.examination import examine

    findings, usable = examine(find_config(invocation.config_path, os.environ), invocation.now)
    shown = [{"check": f.check, "status": f.status, "message": f.message, "fix": f.fix} for f in findings]
    bad = [finding for finding in findings if finding.status is CheckStatus.FAILED]
    code = ExitCode.FAILED if bad else ExitCode.OK
    if usable:
        # As text the checks say it already.
        errors = [Problem("doctor", f"{f.check}: {f.message}", f.fix) for f in bad] if invocation.json else []
        invocation.finish(Result("doctor", {"checks": shown}, code, errors, text=lambda out: _text(out, findings)))
    wrong = [f for f in findings if f.check == "configuration"]
    rest = [f for f in findings if f.check != "configuration"]
    errors = [Problem("config_invalid", f.message, f.fix) for f in wrong]
    invocation.finish(Result("doctor", {"checks": shown}, ExitCode.CONFIG, errors, text=lambda out: _text(out, rest)))


def _text(out: Printer, findings: Sequence[Finding]) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        status = out.word(finding.status) + " " * (8 - len(finding.status))
        out.line(f"{status} {finding.check.ljust(width)}  {finding.message}")
        if finding.fix:
            out.line(f"{'':<8} {'':<{width}}  fix: {finding.fix}")
    faults = sum(finding.status is CheckStatus.FAILED for finding in findings)
    warnings = sum(finding.status is CheckStatus.WARNING for finding in findings)
    out.line(f"{len(findings)} checks, {faults} failed, {warnings} with a warning.")


def _observe(invocation: Invocation, directory: Path) -> None:
    """Ask, mask and write; ends the command."""
    from nimwrap.service.observe.observation import observe

    written, troubles = observe(invocation.masters, directory, invocation.now())
    data = {"directory": directory, "transcripts": [path.name for path in written]}

    def text(out: Printer) -> None:
        for path in written:
            out.line(str(path))
        out.line(f"{len(written)} transcripts. Names and addresses are masked; read them before you share them.")

    problems = [problem for trouble in troubles for problem in trouble.problems]
    code = troubles[0].exit_code if troubles else ExitCode.OK
    invocation.finish(Result("doctor", data, code, problems, text=text))
