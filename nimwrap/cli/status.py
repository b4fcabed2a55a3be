"""``nimwrap status``: one screen that says which clients are not protected, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.frame import Invocation, Result, current
from nimwrap.cli.moments import short
from nimwrap.cli.render import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_duration, parse_duration, rfc3339
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.verdict import Verdict

if TYPE_CHECKING:
    from nimwrap.report.protection import ClientView, Protection

NAGIOS = {Verdict.OK: 0, Verdict.WARNING: 1, Verdict.CRITICAL: 2, Verdict.UNKNOWN: 3}


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(
    ctx: typer.Context,
    max_age: Annotated[
        str | None, typer.Option(metavar="8d", help="Older than this is a fault; without it, each policy says.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the masters for their clients first.")] = False,
    nagios: Annotated[bool, typer.Option("--nagios", help="One line with perfdata; exit 0, 1, 2 or 3.")] = False,
) -> None:
    """Show for every client its last good image, the age of it, and whether that is good enough.

    Clients that were never backed up, and clients that NIM lists no longer, are faults.

    Example: nimwrap status --max-age 8d
    """
    from nimwrap.report.protection import protection

    invocation = current(ctx)
    warnings = _refresh(invocation) if refresh else []
    with invocation.reader() as reader:
        found = protection(invocation.config, reader, invocation.now(), max_age_s=_seconds(max_age))
    if nagios:
        invocation.finish(_nagios(found))
    code = ExitCode.OK if found.verdict is Verdict.OK else ExitCode.FAILED
    data = {
        "clients": [client_json(view, found) for view in found.clients],
        "inventory_age_s": found.inventory_age_s,
        "verdict": found.verdict,
        "faults": [{"verdict": verdict, "message": message} for verdict, message in found.faults],
    }
    invocation.finish(Result("status", data, code, warnings=warnings, text=lambda out: _text(out, found)))


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise usage_error(f"--max-age: {error}") from error


def _refresh(invocation: Invocation) -> list[Problem]:
    from nimwrap.fleet.desk import opened_desk, refresh_inventories

    with opened_desk(invocation.config) as desk:
        troubles = refresh_inventories(desk)
    return [Problem(error.code, f"{master}: {error.message}", error.hint) for master, error in troubles.items()]


def client_json(view: ClientView, found: Protection) -> dict[str, Any]:
    """One entry of ``data.clients[]``."""
    row = view.row
    good = {
        "run": row["last_good_run"],
        "ended": row["last_good"],
        "age_s": round(view.age_s) if view.age_s is not None else None,
        "resource": row["resource"],
        "location": row["location"],
        "size_bytes": row["size_bytes"],
        "outcome": row["last_good_outcome"],
    }
    failure = {"code": row["failure_code"], "message": row["failure_message"], "fix": row["failure_fix"]}
    run = {
        "id": row["last_run"],
        "outcome": row["last_outcome"],
        "started": row["last_started"],
        "ended": row["last_ended"],
        "failure": failure if row["failure_code"] else None,
    }
    hold = {key: view.hold[key] for key in ("reason", "since", "until")} if view.hold else None
    return {
        "client": view.ref.client,
        "master": view.ref.master,
        "verdict": view.judged.verdict,
        "reasons": list(view.judged.reasons),
        "last_good": good if row["last_good"] else None,
        "last_run": run if row["last_run"] else None,
        "next_run": rfc3339(view.next_run) if view.next_run else None,
        "never_backed_up": view.judged.never_backed_up,
        "overdue": view.judged.overdue,
        "hold": hold,
        "cluster": view.cluster,
        "vanished": row["vanished"],
        "max_age_s": view.policy_max_age_s,
    }


def _nagios(found: Protection) -> Result:
    counts = {verdict: found.count(verdict) for verdict in Verdict}
    faulty = [view for view in found.clients if view.judged.verdict is not Verdict.OK]
    bad = [f"{view.ref.client}: {view.judged.reasons[0]}" for view in faulty]
    bad += [message for _, message in found.faults]
    summary = f"{counts[Verdict.OK]} of {len(found.clients)} clients protected"
    said = "; ".join([summary, *bad[:5], *([f"and {len(bad) - 5} more"] if len(bad) > 5 else [])])
    oldest = max((view.age_s for view in found.clients if view.age_s is not None), default=0)
    perf = " ".join([*(f"{verdict}={count}" for verdict, count in counts.items()), f"oldest={oldest:.0f}s"])
    line = f"NIMWRAP {found.verdict.upper()} - {said.replace('|', '/')} | {perf}"
    data = {"line": line, "verdict": found.verdict}
    return Result("status", data, NAGIOS[found.verdict], text=lambda out: out.line(line.replace("\n", " ")))


def _text(out: Printer, found: Protection) -> None:
    for verdict, message in found.faults:
        out.line(f"{out.word(str(verdict))}: {message}")
    if not found.clients:
        out.line("No client is known. `nimwrap status --refresh` asks the masters.")
        return
    out.table(
        ("client", "verdict", "last good", "age", "last run", "next run (UTC)", "why"),
        [
            (
                f"{view.ref.client} ({view.cluster})" if view.cluster else view.ref.client,
                out.word(str(view.judged.verdict)),
                short(view.row["last_good"]),
                format_duration(view.age_s) if view.age_s is not None else "never",
                out.word(view.row["last_outcome"] or ""),
                short(rfc3339(view.next_run)) if view.next_run else "",
                "; ".join(view.judged.reasons),
            )
            for view in found.clients
        ],
    )
    _what_to_do(out, found)
    age = format_duration(found.inventory_age_s) + " old" if found.inventory_age_s is not None else "incomplete"
    out.line(f"{found.count(Verdict.OK)} of {len(found.clients)} clients are protected. The inventory is {age}.")


def _what_to_do(out: Printer, found: Protection) -> None:
    """Under the table: for each failed client the cure that its last run names."""
    for view in found.clients:
        fix = view.row["failure_fix"] if view.row["last_outcome"] in ("failed", "refused") else ""
        if fix and view.judged.verdict is not Verdict.OK:
            out.line(f"{view.ref.client}: fix: {fix}")
