"""``nimwrap cancel RUN``: end a running operation cleanly, client side first."""

from __future__ import annotations

from typing import Annotated

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Result, current


def register(app: typer.Typer) -> None:
    app.command()(cancel)


def cancel(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Its id, or what is unique of it; or its client.", autocompletion=completion.open_runs
        ),
    ],
) -> None:
    """End a running operation cleanly, client side first, and close its run.

    Example: nimwrap cancel 20261123T010203-powerha1-4f2a
    """
    from nimwrap.actions.cancel_backup import cancel_backup

    invocation = current(ctx)
    ended = cancel_backup(invocation.config, run)
    data = {"run": ended.id, "client": ended.client, "outcome": ended.outcome}
    invocation.finish(Result("cancel", data, text=lambda out: out.line(f"{ended.id} is ended and closed.")))
