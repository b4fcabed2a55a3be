"""``nimwrap status``: one screen that says which clients are not protected, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Targets
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.status_text import nagios_line, show
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import parse_duration, rfc3339
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.verdict import Verdict, texts

if TYPE_CHECKING:
    from nimwrap.copies.copy_health import CopyHealth
    from nimwrap.history.drill_row import DrillRow
    from nimwrap.monitoring.cluster_views import ClusterView
    from nimwrap.monitoring.protection import ClientView, Protection


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(
    ctx: typer.Context,
    targets: Targets = None,
    bad: Annotated[bool, typer.Option("--bad", help="Only the clients that are not fine.")] = False,
    max_age: Annotated[
        str | None, typer.Option(metavar="8d", help="Older than this is a fault; without it, each policy says.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the masters for their clients first.")] = False,
    nagios: Annotated[bool, typer.Option("--nagios", help="One line with perfdata; exit 0, 1, 2 or 3.")] = False,
) -> None:
    """Show for every client its last good image, the age of it, and whether that is good enough.

    Clients that were never backed up, and clients that NIM lists no longer, are faults. With targets, the verdict and
    the exit code are those of these clients.

    Example: nimwrap status --max-age 8d
    """
    invocation = current(ctx)
    limit_s = _seconds(max_age)
    warnings = _refresh(invocation) if refresh else []
    found = _looked(invocation, limit_s, targets or [])
    if nagios:
        code, line = nagios_line(found)
        invocation.finish(_nagios(code, line, found.verdict))
    code = ExitCode.OK if found.verdict is Verdict.OK else ExitCode.FAILED
    errors = _problems(found) if invocation.json else []  # the table says it already
    data = site_json(found, bad_only=bad)
    text = lambda out: show(out, found, bad_only=bad)  # noqa: E731
    invocation.finish(Result("status", data, code, errors, warnings, text))


def _looked(invocation: Invocation, max_age_s: int | None, targets: list[str]) -> Protection:
    from nimwrap.clients.known_clients import KnownClients
    from nimwrap.clients.selection import select
    from nimwrap.clients.target_errors import any_resolved
    from nimwrap.monitoring.protection import protection

    invocation.need_masters()
    config = invocation.config
    with invocation.reader() as reader:
        found = protection(config, reader, invocation.now(), max_age_s=max_age_s)
    if not targets:
        return found
    known = KnownClients(tuple(view.ref for view in found.clients))
    return found.of(any_resolved(select(targets, known, config.groups), known, config.groups))


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise usage_error(f"--max-age: {error}") from error


def _refresh(invocation: Invocation) -> list[Problem]:
    from nimwrap.actions.refresh_clients import refresh_clients

    troubles = refresh_clients(invocation.config)
    return [Problem(error.code, f"{master}: {error.message}", error.hint) for master, error in troubles.items()]


def _problems(found: Protection) -> list[Problem]:
    """What is not well, as ``errors[]``: one for each client that is not ok, one for each fault of the site."""
    return [
        *(Problem(_code(view), texts(view.judged.reasons), view.advice, view.ref.client) for view in found.bad),
        *(Problem("site", fault.text) for fault in found.faults),
    ]


def _code(view: ClientView) -> str:
    if view.judged.never_backed_up:
        return "never_backed_up"
    return "overdue" if view.judged.overdue else str(view.row.failure_code or "unprotected")


def _nagios(code: int, line: str, verdict: Verdict) -> Result:
    return Result("status", {"line": line, "verdict": verdict}, code, text=lambda out: out.line(line))


def site_json(found: Protection, *, bad_only: bool = False) -> dict[str, Any]:
    """``data`` of the envelope."""
    return {
        "clients": [client_json(view) for view in (found.bad if bad_only else found.clients)],
        "inventory_age_s": found.inventory_age_s,
        "verdict": found.verdict,
        "summary": found.sentence,
        "faults": [
            {"verdict": one.verdict, "message": one.text, "code": one.code, "subjects": one.subjects}
            for one in found.faults
        ],
        "clusters": [_cluster_json(cluster) for cluster in found.clusters],
    }


def client_json(view: ClientView) -> dict[str, Any]:
    """One entry of ``data.clients[]``."""
    row = view.row
    good = {
        "run": row.last_good_run,
        "ended": row.last_good,
        "age_s": round(view.age_s) if view.age_s is not None else None,
        "resource": row.resource,
        "location": row.location,
        "size_bytes": row.size_bytes,
        "outcome": row.last_good_outcome,
    }
    failure = {"code": row.failure_code, "message": row.failure_message, "fix": row.failure_fix}
    run = {
        "id": row.last_run,
        "outcome": row.last_outcome,
        "started": row.last_started,
        "ended": row.last_ended,
        "failure": failure if row.failure_code else None,
    }
    hold = {key: getattr(view.hold, key) for key in ("reason", "since", "until")} if view.hold else None
    return {
        "client": view.ref.client,
        "master": view.ref.master,
        "verdict": view.judged.verdict,
        "reasons": [reason.text for reason in view.judged.reasons],
        "reason_codes": [reason.code for reason in view.judged.reasons],
        "fix": view.advice,
        "last_good": good if row.last_good else None,
        "last_run": run if row.last_run else None,
        "next_run": rfc3339(view.next_run) if view.next_run else None,
        "never_backed_up": view.judged.never_backed_up,
        "overdue": view.judged.overdue,
        "hold": hold,
        "cluster": view.cluster,
        "excluded": view.excluded,
        "vanished": row.vanished,
        "max_age_s": view.policy_max_age_s,
        "copies": [_copy_json(each) for each in view.copies],
        "last_drill": _drill_json(view.last_drill) if view.last_drill else None,
        "machines": [
            {"machine_id": one.machine_id, "images": one.images, "newest": one.newest} for one in view.machines
        ],
    }


def _drill_json(drill: DrillRow) -> dict[str, Any]:
    told = ("image", "level", "sandbox", "outcome", "reason", "begun", "ended", "took_s")
    return {key: getattr(drill, key) for key in told}


def _copy_json(each: CopyHealth) -> dict[str, Any]:
    return {
        "name": each.place.name,
        "state": each.health,
        "made": each.copy and each.copy.made,
        "age_s": round(each.age_s) if each.age_s is not None else None,
        "location": each.copy and each.copy.location,
        "reason": each.why or None,
    }


def _cluster_json(cluster: ClusterView) -> dict[str, Any]:
    seen = cluster.seen
    return {
        "name": cluster.name,
        "master": cluster.master,
        "clients": [ref.client for ref in cluster.members],
        "state": seen.state if seen else None,
        "node": seen.holder if seen else None,
        "service_addresses": list(seen.service_addresses) if seen else [],
        "seen": rfc3339(seen.at) if seen else None,
    }
