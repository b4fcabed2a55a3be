"""``nimwrap audit``: who did what, and when."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import before_now, clock, short
from nimwrap.domain.local_time import zone
from nimwrap.history.json_view import act_json


def register(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    ctx: typer.Context,
    since: Annotated[str, typer.Option(metavar="30d", help="Not before: a duration, a date or a time.")] = "30d",
) -> None:
    """List who did what, newest first: runs, holds, pins, removals, cancels, adoptions, export changes.

    Example: nimwrap audit --since 7d
    """
    invocation = current(ctx)
    after = before_now(since, invocation.now(), "--since")
    with invocation.reader() as reader:
        acts = [act_json(act) for act in reader.acts(after)]
    invocation.finish(Result("audit", {"acts": acts}, text=lambda printer: _text(printer, acts)))


def _text(printer: Printer, acts: list[dict[str, Any]]) -> None:
    if not acts:
        printer.line("Nothing was done since then.")
        return
    printer.table(
        (f"at ({zone()})", "actor", "control host", "act", "subject", "run", "note"),
        [
            (
                short(act["at"]),
                act["actor"] or "not recorded",
                act["control_host"] or "",
                act["act"],
                act["subject"],
                act["run"] or "",
                _note(act),
            )
            for act in acts
        ],
    )


def _note(act: dict[str, Any]) -> str:
    """How a run or an export change stands, and how long an export was open; else the words of the event."""
    if act["opened"]:
        return f"{act['state']}, open {clock(act['opened'])} to {clock(act['closed']) or 'now'}"
    return str(act["state"] or act["text"])
