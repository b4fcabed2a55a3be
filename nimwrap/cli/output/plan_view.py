"""How the plan of ``backup --dry-run`` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nimwrap.cli.invocation import Result
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import short
from nimwrap.cli.verbs.check import exit_code_of
from nimwrap.domain.codes import ExitCode, Outcome
from nimwrap.domain.durations import format_duration, format_size, rfc3339
from nimwrap.domain.errors import Problem
from nimwrap.domain.local_time import zone

if TYPE_CHECKING:
    from nimwrap.actions.backup_clients import BackupPlan
    from nimwrap.fleet.night_forecast import NightForecast
    from nimwrap.fleet.planned_fleet import Planned


def dry_run_result(plan: BackupPlan) -> Result:
    """The plan as a result.

    Exit 10 when any client would be refused, 12 when only for masters that are out of reach, 75 when one that was
    named is held or excluded.
    """
    refused = [one.report for one in plan.planned if one.refused]
    errors = [
        Problem(why.code, f"{report.ref.client}: {why.message}", why.fix, report.ref.client)
        for report in refused
        if (why := report.failure) is not None
    ]
    shown = [_json(one) for one in plan.planned]
    named = [one for one in plan.planned if one.report.ref in plan.order.named]
    held = [Problem(why.code, why.message, why.fix, one.report.ref.client) for one in named if (why := one.kept_out)]
    errors += held
    errors += [problem for error in plan.unreachable for problem in error.problems]
    code = exit_code_of(refused, plan.unreachable)
    if code is ExitCode.OK and held:
        code = ExitCode.SKIPPED
    data = {"dry_run": True, "plan": shown, "runs": [], "night": _night(plan)}
    return Result("backup", data, code, errors, text=lambda out: _text(out, shown, plan.night))


def _night(plan: BackupPlan) -> dict[str, Any] | None:
    return {"expected_s": plan.night.seconds, "at_once": plan.night.at_once} if plan.night else None


def _json(plan: Planned) -> dict[str, Any]:
    report = plan.report
    return {
        "client": report.ref.client,
        "master": report.ref.master,
        "kind": plan.kind,
        "volume_group": plan.volume_group or None,
        "verdict": Outcome.SKIPPED if plan.kept_out else report.verdict,
        "method": plan.method,
        "starts": rfc3339(plan.starts) if plan.starts else None,
        "ends": rfc3339(plan.ends) if plan.ends else None,
        "source_address": report.source_address,
        "findings": [finding.as_json() for finding in report.findings],
        "commands": [{"host": step.where, "command": step.command} for step in plan.steps],
        "hooks": [{"when": hook.when, "host": hook.where, "command": hook.command} for hook in plan.hooks],
        "makes": _made(plan),
        "proves": list(plan.foreseen.proves) if plan.foreseen else [],
        "removes": _removed(plan),
        "failure": plan.kept_out or report.failure,
    }


def _made(plan: Planned) -> dict[str, Any] | None:
    image = plan.foreseen
    return {"resource": image.resource, "location": image.location, "becomes": image.becomes} if image else None


def _removed(plan: Planned) -> list[dict[str, Any]]:
    return [
        {
            "resource": gone.row.resource,
            "location": gone.row.location,
            "size_bytes": gone.row.size_bytes,
            "reason": gone.reason,
        }
        for gone in (plan.foreseen.removes if plan.foreseen else ())
    ]


def _text(out: Printer, plans: list[dict[str, Any]], night: NightForecast | None) -> None:
    out.line("Nothing is changed by this. In this order:")
    out.line()
    out.table(
        ("client", "verdict", "way", f"starts ({zone()})", "ends"),
        [
            (
                plan["client"],
                out.word(str(plan["verdict"])),
                plan["method"] or "",
                short(plan["starts"]),
                short(plan["ends"]),
            )
            for plan in plans
        ],
    )
    if night is not None:
        at_once = ", ".join(f"{most} at once on {master}" for master, most in night.at_once.items())
        out.line(f"Expected to take {format_duration(night.seconds)}, {at_once}.")
    for plan in plans:
        out.line()
        out.heading(f"{plan['client']} ({' '.join(filter(None, (plan['kind'], plan['volume_group'])))})")
        if plan["verdict"] is Outcome.SKIPPED:
            out.line(f"  {out.word('skipped')}: {plan['failure'].message}")
            if plan["failure"].fix:
                out.fix(plan["failure"].fix, indent="    ")
        for command in plan["commands"]:
            out.line(f"  {command['host']}# {command['command']}")
        for hook in plan["hooks"]:
            out.line(f"  hook {hook['when']}: {hook['host']}# {hook['command']}")
        _text_image(out, plan)
        for finding in plan["findings"]:
            if finding["status"] in ("warning", "failed"):
                out.line(f"  {out.word(str(finding['status']))}: {finding['message']}")
                if finding["fix"]:
                    out.fix(finding["fix"], indent="    ")


def _text_image(out: Printer, plan: dict[str, Any]) -> None:
    if (made := plan["makes"]) is None:
        return
    name = f"{made['resource']} at {made['location']}" if made["resource"] else made["location"]
    out.line(f"  makes {name}{(made['becomes'] and ', which becomes ' + made['becomes']) or ''}")
    out.line(f"  proves it by {', '.join(plan['proves'])}")
    for gone in plan["removes"]:
        size = format_size(gone["size_bytes"])
        out.line(f"  then removes {gone['resource'] or gone['location']} ({size}): {gone['reason']}")
