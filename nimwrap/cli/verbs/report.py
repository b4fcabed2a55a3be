"""``nimwrap report``: the state of the site as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.cli.time_args import before_now
from nimwrap.domain.errors import Problem, usage_error

DEFAULT = Path("nimwrap-report.html")
SPAN = "90d"


def register(app: typer.Typer) -> None:
    app.command()(report)


def report(
    ctx: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Where; default: [report] html, or here.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="30d", help=f"Failures and nights from then on; evidence ({SPAN}).")
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(metavar="TARGET", help="A page about these clients alone, with their runs.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A package for auditors instead: HTML, CSV, JSON, SHA256SUMS.")
    ] = None,
    sign_key: Annotated[
        str, typer.Option(metavar="FILE", help="Sign it by ssh-keygen -Y with this key; default: [report] sign_key.")
    ] = "",
) -> None:
    """Write one HTML page: who is protected, the nights, the last one in detail, causes and cures, trends.

    The page needs no network and no script; it is replaced in one step. Only the local history is read. With --since
    or --client the page of [report] html is left alone. A package of evidence is never written over anything.

    Example: nimwrap report --evidence /srv/audit/2026-q4 --since 90d
    """
    invocation = current(ctx)
    invocation.need_masters()
    if evidence is not None:
        if output is not None or client:
            raise usage_error("--evidence is of the whole site, in a directory", "without --output and --client")
        invocation.finish(_package(invocation, evidence, since or SPAN, sign_key))
    if sign_key:
        raise usage_error("--sign-key signs a package", "it goes with --evidence DIR")
    invocation.finish(_page(invocation, output, since, client))


def _page(invocation: Invocation, output: Path | None, since: str | None, client: list[str] | None) -> Result:
    from nimwrap.monitoring.atomic_write import write_whole
    from nimwrap.monitoring.report.page import page
    from nimwrap.monitoring.report.page_scope import PageScope

    now = invocation.now()
    usual = invocation.config.report.html if since is None and not client else ""
    path = output or (Path(usual) if usual else DEFAULT)
    with invocation.reader() as reader:
        refs = frozenset(clients_meant(invocation.config, reader, client)) if client else None
        scope = PageScope(before_now(since, now, "--since") if since else None, refs)
        text = page(invocation.config, reader, now, scope)
    write_whole(path, text)
    data = {"path": str(path.resolve()), "size_bytes": len(text.encode())}
    return Result("report", data, text=lambda out: out.line(f"wrote {path}"))


def _package(invocation: Invocation, directory: Path, since: str, key: str) -> Result:
    from nimwrap.actions.gather_evidence import gather_evidence

    now = invocation.now()
    after = before_now(since, now, "--since")
    made = gather_evidence(invocation.config, directory, after, now, key)
    data = {"path": str(made.path), "files": made.files, "signed": made.signed, "since": after, "made": now}
    fix = "`nimwrap doctor` says more; the package has it too"
    warnings = [Problem("altered_events", text, fix) for text in made.altered]
    how = "signed" if made.signed else "not signed: --sign-key FILE, or [report] sign_key"
    return Result("report", data, warnings=warnings, text=lambda out: out.line(f"wrote {directory} ({how})"))
