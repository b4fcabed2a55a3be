"""``nimwrap report``: the state of the site as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nimwrap.cli.invocation import Result, current

DEFAULT = Path("nimwrap-report.html")


def register(app: typer.Typer) -> None:
    app.command()(report)


def report(
    ctx: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Where; default: [report] html, or here.")
    ] = None,
) -> None:
    """Write one HTML page: who is protected, the nights, the last one in detail, causes and cures, trends.

    The page needs no network and no script; it is replaced in one step. Only the local history is read.

    Example: nimwrap report --output /srv/www/nimwrap.html
    """
    from nimwrap.monitoring.atomic_write import write_whole
    from nimwrap.monitoring.report.page import page

    invocation = current(ctx)
    invocation.need_masters()
    path = output or (Path(invocation.config.report.html) if invocation.config.report.html else DEFAULT)
    with invocation.reader() as reader:
        text = page(invocation.config, reader, invocation.now())
    write_whole(path, text)
    data = {"path": str(path.resolve()), "size_bytes": len(text.encode())}
    invocation.finish(Result("report", data, text=lambda out: out.line(f"wrote {path}")))
