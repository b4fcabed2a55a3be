"""``nimwrap check``: the preflight of a backup, printed; it changes nothing anywhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Everything, Targets, with_everyone
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.asking_line import asking_line
from nimwrap.cli.output.check_text import Detail, check_nagios, show_check
from nimwrap.domain.codes import MASTER_TROUBLE, ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError, Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.fleet.fleet_preflight import CheckedFleet
    from nimwrap.preflight.preflight_report import PreflightReport


def register(app: typer.Typer) -> None:
    app.command()(check)


def check(
    ctx: typer.Context,
    targets: Targets = None,
    everything: Everything = False,
    full: Annotated[bool, typer.Option("--full", help="Every finding of every client.")] = False,
    nagios: Annotated[bool, typer.Option("--nagios", help="One line with perfdata; exit 0, 1, 2 or 3.")] = False,
) -> None:
    """Show what a backup would meet now, and how it would be made. Changes nothing anywhere.

    Of several clients one row each, the worst first; of one, or with --full, every check with its fix.

    Example: nimwrap check powerha1
    """
    invocation = current(ctx)
    began = time.monotonic()
    checked = _checked(invocation, with_everyone(targets, everything=everything))
    reports, unreachable = checked.reports, checked.unreachable
    data: dict[str, Any] = {"clients": [report_json(report) for report in reports]}
    if nagios:
        code, line = check_nagios(reports, unreachable, time.monotonic() - began)
        invocation.finish(Result("check", {"line": line} | data, code, text=lambda out: out.line(line)))
    detail = Detail(full or invocation.verbose, passed=not invocation.quiet, evidence=invocation.verbose)
    told = invocation.json or len(reports) == 1  # else the rows say it already
    errors = [problem for report in reports if told and (problem := _problem(report))]
    errors += [problem for error in unreachable for problem in error.problems]
    text = lambda out: show_check(out, reports, detail)  # noqa: E731
    invocation.finish(Result("check", data, exit_code_of(reports, unreachable), errors, text=text))


def _checked(invocation: Invocation, targets: list[str]) -> CheckedFleet:
    from nimwrap.actions.check_clients import check_clients

    if not targets:
        raise usage_error("check needs a client, a group or --all", "nimwrap check powerha1")
    invocation.need_masters()
    with asking_line(invocation) as tell:
        return check_clients(invocation.config, targets, invocation.now(), invocation.warn, tell)


def exit_code_of(reports: list[PreflightReport], unreachable: Sequence[NimwrapError] = ()) -> ExitCode:
    """10 when any client is refused, 12 when nothing but a master that is out of reach refuses; else 0.

    ``unreachable``: why masters of which no client is known could not be asked.
    """
    refusals = [report.failure.code for report in reports if report.failure]
    refusals += [FailureCode.of(error.code) for error in unreachable]
    if not refusals:
        return ExitCode.OK
    return ExitCode.MASTER if set(refusals) <= MASTER_TROUBLE else ExitCode.REFUSED


def report_json(report: PreflightReport) -> dict[str, Any]:
    """One entry of ``data.clients[]`` (INTERFACE section 4), with the facts behind the findings added."""
    return {
        "client": report.ref.client,
        "master": report.ref.master,
        "verdict": report.verdict,
        "findings": [finding.as_json() for finding in report.findings],
        "failure": report.failure,
        "source_address": report.source_address,
        "cluster": report.cluster,
        "remedies": report.remedies,
        "way": report.way,
        "channel": {"route": report.route, "calls": report.channel_calls} if report.route else None,
    }


def _problem(report: PreflightReport) -> Problem | None:
    failure = report.failure
    if failure is None:
        return None
    return Problem(failure.code, f"{report.ref.client}: {failure.message}", failure.fix, report.ref.client)
