"""``nimwrap images restore-plan``: the commands that bring a client back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli.arguments import Client
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.local_time import local_text
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.records import ClientRef

if TYPE_CHECKING:
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.images.restore.restore_records import RestorePlan


def register(images: typer.Typer) -> None:
    images.command("restore-plan")(plan)


def plan(
    ctx: typer.Context,
    client: Client,
    to: Annotated[str | None, typer.Option(metavar="OTHER", help="Another NIM machine to restore onto.")] = None,
    image: Annotated[str | None, typer.Option(metavar="IMAGE", help="An older image than the last good one.")] = None,
) -> None:
    """Print the exact commands that restore a client on its master, with what is there and what is missing now.

    It takes the newest good image that is there as it was recorded, or begins from a copy of it. Nothing is changed.
    Exit 1 when something is missing that the commands need.

    Example: nimwrap images restore-plan powerha1
    """
    from nimwrap.actions.plan_restore import RestoreWish, plan_restore

    invocation = current(ctx)
    if to is not None and not is_nim_name(to):
        raise usage_error(f"{to[:80]!r} cannot be the name of a NIM machine")
    with invocation.reader() as reader:
        ref = _one(invocation, reader, client)
        wish = RestoreWish(ref, invocation.now(), to, image)
        planned = plan_restore(invocation.config, reader, wish, invocation.warn)
    made, problems = planned.plan, planned.problems
    if invocation.json:  # on paper they stand before the steps, where they are read
        problems += [Problem("restore", note.message, note.do, ref.client) for note in made.warnings]
    errors = [Problem("restore", note.message, note.do, ref.client) for note in made.missing]
    code = ExitCode.FAILED if errors else ExitCode.OK
    invocation.finish(
        Result(
            "images restore-plan", {"plan": made.as_json()}, code, errors, problems, text=lambda out: _text(out, made)
        )
    )


def _one(invocation: Invocation, reader: Reader, client: str) -> ClientRef:
    found = clients_meant(invocation.config, reader, [client])
    if len(found) > 1:
        raise usage_error(f"{client!r} means several clients", "say which: " + ", ".join(map(str, found)))
    return found[0]


def _text(out: Printer, made: RestorePlan) -> None:
    row = made.image
    out.heading(f"Restore {made.client}" + (f" onto {made.target}" if made.target != made.client else ""))
    out.pairs(
        [
            ("image", f"{row.resource} ({row.location}, {format_size(row.size_bytes)})"),
            ("copy", made.copy),
            ("made", f"{local_text(row.created)} (the time in its name is UTC)"),
            ("level", row.oslevel),
            ("SPOT", made.spot),
            ("master", row.master),
        ]
    )
    for note in made.warnings:
        out.line()
        out.line(f"{out.paint('Mind', 'warn')}: {note.message}.")
        out.line(f"   {note.do}")
    for number, step in enumerate(made.steps, start=1):
        out.line()
        out.line(f"{number}. {step.title}" + (" (optional)" if step.optional else ""))
        if step.command:
            out.line(f"   {step.command}")
        if step.note:
            out.line(f"   {out.paint(step.note, 'dim')}")
    out.line()
    out.heading("Other ways")
    for way in made.other_ways:
        out.line(f"- {way.title}: {way.command}")
        out.line(f"  {out.paint(way.note, 'dim')}")
