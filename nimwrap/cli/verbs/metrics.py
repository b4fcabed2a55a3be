"""``nimwrap metrics``: the state of the site as Prometheus text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nimwrap.cli.invocation import Result, current


def register(app: typer.Typer) -> None:
    app.command()(metrics)


def metrics(
    ctx: typer.Context,
    textfile: Annotated[
        Path | None, typer.Option(metavar="FILE.prom", help="Replace this file in one step instead of printing.")
    ] = None,
) -> None:
    """Print what Prometheus should know, or write it where node_exporter's textfile collector looks.

    Only the local history is read. Rules and a dashboard are in docs/monitoring.

    Example: nimwrap metrics --textfile /var/lib/node_exporter/nimwrap.prom
    """
    from nimwrap.monitoring.atomic_write import write_whole
    from nimwrap.monitoring.prometheus import metrics_text

    invocation = current(ctx)
    invocation.need_masters()
    with invocation.reader() as reader:
        text = metrics_text(invocation.config, reader, invocation.now())
    if textfile is None:
        invocation.finish(Result("metrics", {"text": text}, text=lambda out: out.line(text.rstrip("\n"))))
    write_whole(textfile, text)
    data = {"path": str(textfile.resolve()), "size_bytes": len(text.encode())}
    invocation.finish(Result("metrics", data, text=lambda out: out.line(f"wrote {textfile}")))
