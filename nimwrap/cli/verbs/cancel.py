"""``nimwrap cancel RUN``: end a running operation cleanly, client side first."""

from __future__ import annotations

from typing import Annotated

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Result, current
from nimwrap.domain.errors import usage_error


def register(app: typer.Typer) -> None:
    app.command()(cancel)


def cancel(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Its id, or a beginning of it that fits only one.", autocompletion=completion.open_runs
        ),
    ],
) -> None:
    """End a running operation cleanly, client side first, and close its run.

    Example: nimwrap cancel 20261123T010203-powerha1-4f2a
    """
    from nimwrap.backup.cancellation import cancel_run
    from nimwrap.fleet.session import open_session

    invocation = current(ctx)
    with open_session(invocation.config) as session:
        row = session.reader.run(run)
        if row.outcome != "running":
            raise usage_error(f"{row.id} is not running: it ended {row.outcome}", f"nimwrap show {row.id}")
        if row.master not in session.hosts:
            raise usage_error(f"the master {row.master} of {row.id} is not in the configuration")
        cancel_run(session.master_context(row.master), session.reader, row.id)
        ended = session.reader.run(row.id)
    data = {"run": ended.id, "client": ended.client, "outcome": ended.outcome}
    invocation.finish(Result("cancel", data, text=lambda out: out.line(f"{ended.id} is ended and closed.")))
