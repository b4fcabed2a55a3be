"""``nimwrap report``: the state of the site as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nimwrap.cli.invocation import Result, current
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.cli.time_args import before_now

DEFAULT = Path("nimwrap-report.html")


def register(app: typer.Typer) -> None:
    app.command()(report)


def report(
    ctx: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Where; default: [report] html, or here.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="30d", help="Failures, and the nights shown, from then on.")
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="A page about these clients alone, with their runs.")
    ] = None,
) -> None:
    """Write one HTML page: who is protected, the nights, the last one in detail, causes and cures, trends.

    The page needs no network and no script; it is replaced in one step. Only the local history is read. With --since
    or --client the page of [report] html is left alone.

    Example: nimwrap report --output /srv/www/nimwrap.html
    """
    from nimwrap.monitoring.atomic_write import write_whole
    from nimwrap.monitoring.report.page import page
    from nimwrap.monitoring.report.page_scope import PageScope

    invocation = current(ctx)
    invocation.need_masters()
    now = invocation.now()
    usual = invocation.config.report.html if since is None and not client else ""
    path = output or (Path(usual) if usual else DEFAULT)
    with invocation.reader() as reader:
        refs = frozenset(clients_meant(invocation.config, reader, client)) if client else None
        scope = PageScope(before_now(since, now, "--since") if since else None, refs)
        text = page(invocation.config, reader, now, scope)
    write_whole(path, text)
    data = {"path": str(path.resolve()), "size_bytes": len(text.encode())}
    invocation.finish(Result("report", data, text=lambda out: out.line(f"wrote {path}")))
