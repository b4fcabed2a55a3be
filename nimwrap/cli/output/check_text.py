"""What a check found as text: one row for each of many clients, every finding of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nimwrap.cli.output.nagios_text import nagios_text
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.findings import CheckStatus, CheckVerdict, Finding

if TYPE_CHECKING:
    from nimwrap.domain.errors import NimwrapError
    from nimwrap.preflight.preflight_report import PreflightReport

_NAGIOS = {CheckVerdict.READY: (0, "OK"), CheckVerdict.WARNING: (1, "WARNING"), CheckVerdict.REFUSED: (2, "CRITICAL")}
_WORST_LAST = (CheckVerdict.READY, CheckVerdict.WARNING, CheckVerdict.REFUSED)


@dataclass(frozen=True)
class Detail:
    """``findings``: all of each client; ``passed``: those too that found nothing; ``evidence``: their raw text."""

    findings: bool = True
    passed: bool = True
    evidence: bool = False


def show_check(out: Printer, reports: Sequence[PreflightReport], detail: Detail) -> None:
    """One row a client, the worst first, and how many there are of each; of one client, or in full, every finding."""
    if not reports:
        out.line("No client is known.")
        return
    worst_first = sorted(reports, key=lambda report: _WORST_LAST.index(report.verdict), reverse=True)
    if detail.findings or len(reports) == 1:
        for report in worst_first:
            _in_full(out, _name(report, reports), report, detail)
    else:
        _rows(out, worst_first, reports)
    if len(reports) > 1:
        counts = Counter(report.verdict for report in reports)
        told = [f"{counts[verdict]} {out.word(str(verdict))}" for verdict in reversed(_WORST_LAST) if counts[verdict]]
        out.line(f"{len(reports)} clients: {', '.join(told)}.")


def _rows(out: Printer, ordered: Sequence[PreflightReport], reports: Sequence[PreflightReport]) -> None:
    from nimwrap.monitoring.report.next_steps import grouped, some

    out.table(
        ("client", "verdict", "way", "why"),
        [
            (
                _name(report, reports),
                out.word(str(report.verdict)),
                report.way or "",
                "; ".join(finding.message for finding in report.worst),
            )
            for report in ordered
        ],
    )
    fixes = [(_name(report, reports), finding.fix) for report in ordered for finding in report.worst]
    for clients, fix in grouped(fixes):
        out.fix(fix, of=some(clients))
    if fixes:
        out.line("Every finding of a client: nimwrap check CLIENT, or --full")


def _in_full(out: Printer, name: str, report: PreflightReport, detail: Detail) -> None:
    way = f", by {report.way}" if report.way else ""
    out.line(f"{out.paint(name, 'strong')}: {out.word(str(report.verdict))}{way}")
    for finding in report.findings:
        if detail.passed or finding.status in (CheckStatus.WARNING, CheckStatus.FAILED):
            _finding(out, finding, evidence=detail.evidence)


def _finding(out: Printer, finding: Finding, *, evidence: bool) -> None:
    """``check: status (what was seen)``, and below it what mends it, and the raw text that it rests on."""
    out.line(f"\t{finding.check}: {out.word(str(finding.status))} ({finding.message})")
    if finding.fix and finding.status is not CheckStatus.OK:
        out.fix(finding.fix, indent="\t  ")
    if evidence and finding.evidence:
        out.line("\t  " + finding.evidence.replace("\n", "\n\t  "))


def check_nagios(
    reports: Sequence[PreflightReport], unreachable: Sequence[NimwrapError], took_s: float
) -> tuple[int, str]:
    """Exit code and the one line."""
    if not reports:
        return 3, nagios_text("UNKNOWN", "no client is known")
    counts = Counter(report.verdict for report in reports)
    code, word = _NAGIOS[CheckVerdict.REFUSED if unreachable else max(counts, key=_WORST_LAST.index)]
    bad = [error.message for error in unreachable]
    bad += [
        f"{_name(report, reports)}: {', '.join(finding.check for finding in report.worst)}"
        for report in reports
        if report.worst
    ]
    perf = " ".join([*(f"{verdict}={counts[verdict]}" for verdict in _WORST_LAST), f"time={took_s:.2f}s"])
    return code, nagios_text(word, f"{counts[CheckVerdict.READY]} of {len(reports)} clients ready", bad, perf)


def _name(report: PreflightReport, reports: Sequence[PreflightReport]) -> str:
    """The client's name, with its master's where several are shown."""
    return report.ref.client if len({one.ref.master for one in reports}) == 1 else str(report.ref)
