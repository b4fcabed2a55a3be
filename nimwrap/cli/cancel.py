"""``nimwrap cancel RUN``: end a running operation cleanly, client side first."""

from __future__ import annotations

from typing import Annotated

import typer

from nimwrap.cli import complete
from nimwrap.cli.frame import Result, current
from nimwrap.domain.errors import usage_error


def register(app: typer.Typer) -> None:
    app.command()(cancel)


def cancel(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Its id, or a beginning of it that fits only one.", autocompletion=complete.open_runs
        ),
    ],
) -> None:
    """End a running operation cleanly, client side first, and close its run.

    Example: nimwrap cancel 20261123T010203-powerha1-4f2a
    """
    from nimwrap.backup.cancel import cancel as cancel_run
    from nimwrap.fleet.desk import opened_desk

    invocation = current(ctx)
    with opened_desk(invocation.config) as desk:
        row = desk.reader.run(run)
        if row["outcome"] != "running":
            raise usage_error(f"{row['id']} is not running: it ended {row['outcome']}", f"nimwrap show {row['id']}")
        if row["master"] not in desk.hosts:
            raise usage_error(f"the master {row['master']} of {row['id']} is not in the configuration")
        cancel_run(desk.site(row["master"]), desk.reader, row["id"])
        ended = desk.reader.run(row["id"])
    data = {"run": ended["id"], "client": ended["client"], "outcome": ended["outcome"]}
    invocation.finish(Result("cancel", data, text=lambda out: out.line(f"{ended['id']} is ended and closed.")))
