"""``nimwrap show RUN``: one run with all its evidence."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.run_detail import tell
from nimwrap.history.json_view import story_json


def register(app: typer.Typer) -> None:
    app.command()(show)


def show(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id, or what is unique of it; a client; or last.",
            autocompletion=completion.runs_and_clients,
        ),
    ],
    full: Annotated[bool, typer.Option("--full", help="Whole outputs, and the scripts that were run.")] = False,
) -> None:
    """Show one run: what was asked, found, changed and reverted, every command, and what to do.

    Of a client it is the newest run, with `last` the newest of all.

    Example: nimwrap show powerha1
    """
    invocation = current(ctx)
    with invocation.reader() as reader:
        story = story_json(reader, reader.run(run))
    story["explanations"] = _explanations(story["failure"])
    invocation.finish(Result("show", {"run": story}, text=lambda printer: tell(printer, story, whole=full)))


def _explanations(failure: dict[str, Any] | None) -> list[Any]:
    """What the messages behind a failure mean, nearest the cause first."""
    if failure is None:
        return []
    from nimwrap.aix.message_catalogue import explain

    return list(explain(f"{failure['message']}\n{failure['evidence']}"))
