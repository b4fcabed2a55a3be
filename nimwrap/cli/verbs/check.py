"""``nimwrap check``: the preflight of a backup, printed; it changes nothing anywhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Everything, Targets, with_everyone
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import MASTER_TROUBLE, ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.domain.findings import CheckStatus, CheckVerdict, Finding

if TYPE_CHECKING:
    from nimwrap.fleet.fleet_preflight import CheckedFleet
    from nimwrap.preflight.preflight_report import PreflightReport

_NAGIOS = {CheckVerdict.READY: (0, "OK"), CheckVerdict.WARNING: (1, "WARNING"), CheckVerdict.REFUSED: (2, "CRITICAL")}
_WORST_LAST = (CheckVerdict.READY, CheckVerdict.WARNING, CheckVerdict.REFUSED)
_SHOWN = 5


def register(app: typer.Typer) -> None:
    app.command()(check)


def check(
    ctx: typer.Context,
    targets: Targets = None,
    everything: Everything = False,
    nagios: Annotated[bool, typer.Option("--nagios", help="One line with perfdata; exit 0, 1, 2 or 3.")] = False,
) -> None:
    """Show what a backup would meet now: each check with its fix. Changes nothing anywhere.

    Example: nimwrap check powerha1
    """
    invocation = current(ctx)
    began = time.monotonic()
    try:
        checked = _checked(invocation, with_everyone(targets, everything=everything))
    except NimwrapError as error:
        if not nagios:
            raise
        invocation.finish(_nagios_unknown(error))
    if nagios:
        invocation.finish(_nagios_result(checked, time.monotonic() - began))
    reports, unreachable = checked.reports, checked.unreachable
    several = len(invocation.masters) > 1
    invocation.finish(
        Result(
            "check",
            {"clients": [report_json(report) for report in reports]},
            exit_code_of(reports, unreachable),
            errors=[
                *(problem for report in reports if (problem := _problem(report))),
                *(problem for error in unreachable for problem in error.problems),
            ],
            text=lambda out: _text(out, reports, several=several, quiet=invocation.quiet, verbose=invocation.verbose),
        )
    )


def _checked(invocation: Invocation, targets: list[str]) -> CheckedFleet:
    from nimwrap.actions.check_clients import check_clients

    if not targets:
        raise usage_error("check needs a client, a group or --all", "nimwrap check powerha1")
    invocation.need_masters()
    return check_clients(invocation.config, targets, invocation.now(), invocation.warn)


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
        "channel": {"route": report.route, "calls": report.channel_calls} if report.route else None,
    }


def _problem(report: PreflightReport) -> Problem | None:
    failure = report.failure
    if failure is None:
        return None
    return Problem(failure.code, f"{report.ref.client}: {failure.message}", failure.fix, report.ref.client)


def _text(out: Printer, reports: list[PreflightReport], *, several: bool, quiet: bool, verbose: bool) -> None:
    if not reports:
        out.line("No client is known.")
    for report in reports:
        name = str(report.ref) if several else report.ref.client
        out.line(f"{out.paint(name, 'strong')}: {out.word(str(report.verdict))}")
        for finding in report.findings:
            if not quiet or finding.status in (CheckStatus.WARNING, CheckStatus.FAILED):
                _finding(out, finding, verbose=verbose)


def _finding(out: Printer, finding: Finding, *, verbose: bool) -> None:
    """``check: status (what was seen)``, and below it what mends it; with ``-v`` the raw text that it rests on."""
    out.line(f"\t{finding.check}: {out.word(str(finding.status))} ({finding.message})")
    if finding.fix and finding.status is not CheckStatus.OK:
        out.line(f"\t  fix: {finding.fix}")
    if verbose and finding.evidence:
        out.line("\t  " + finding.evidence.replace("\n", "\n\t  "))


def _nagios_result(checked: CheckedFleet, took_s: float) -> Result:
    reports, unreachable = checked.reports, checked.unreachable
    if not reports:
        return _nagios_line(3, "UNKNOWN - no client is known", [])
    counts = Counter(report.verdict for report in reports)
    worst = max(counts, key=_WORST_LAST.index)
    code, word = _NAGIOS[CheckVerdict.REFUSED if unreachable else worst]
    bad = [f"{_named(report, reports)}: {', '.join(_faults(report))}" for report in reports if _faults(report)]
    bad = [*(error.message.replace("|", "/") for error in unreachable), *bad]
    more = [f"and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
    summary = f"{counts[CheckVerdict.READY]} of {len(reports)} clients ready"
    perf = " ".join([*(f"{verdict}={counts[verdict]}" for verdict in _WORST_LAST), f"time={took_s:.2f}s"])
    return _nagios_line(code, f"{word} - {'; '.join([summary, *bad[:_SHOWN], *more])} | {perf}", reports)


def _named(report: PreflightReport, reports: list[PreflightReport]) -> str:
    """The client's name, with its master's where several are shown."""
    return report.ref.client if len({one.ref.master for one in reports}) == 1 else str(report.ref)


def _faults(report: PreflightReport) -> list[str]:
    """The names of the checks that are not fine; the worst kind only."""
    worst = CheckStatus.FAILED if report.verdict is CheckVerdict.REFUSED else CheckStatus.WARNING
    return [finding.check for finding in report.findings if finding.status is worst]


def _nagios_unknown(error: NimwrapError) -> Result:
    return _nagios_line(3, f"UNKNOWN - {error.message.replace('|', '/')}", [])


def _nagios_line(code: int, said: str, reports: list[PreflightReport]) -> Result:
    line = f"NIMWRAP {said}".replace("\n", " ")
    data = {"line": line, "clients": [report_json(report) for report in reports]}
    return Result("check", data, code, text=lambda out: out.line(line))
