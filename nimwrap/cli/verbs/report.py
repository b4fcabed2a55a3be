"""``nimwrap report``: the state of the site as one HTML page, or a package of evidence for auditors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nimwrap.cli.invocation import Invocation, Result, current
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
        str | None,
        typer.Option(metavar="30d", help=f"Not before: failures of the page (30d), evidence ({SPAN})."),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A package for auditors instead: HTML, CSV, JSON, SHA256SUMS.")
    ] = None,
    sign_key: Annotated[
        str, typer.Option(metavar="FILE", help="Sign it by ssh-keygen -Y with this key; default: [report] sign_key.")
    ] = "",
) -> None:
    """Write one HTML page: who is protected, the nights, the last one in detail, causes and cures, trends.

    The page needs no network and no script; it is replaced in one step. Only the local history is read. A package of
    evidence is never written over anything.

    Example: nimwrap report --evidence /srv/audit/2026-q4 --since 90d
    """
    invocation = current(ctx)
    invocation.need_masters()
    if evidence is not None:
        if output is not None:
            raise usage_error("--output and --evidence contradict each other", "give one of them")
        invocation.finish(_package(invocation, evidence, since or SPAN, sign_key))
    if sign_key:
        raise usage_error("--sign-key signs a package: it goes with --evidence DIR")
    invocation.finish(_page(invocation, output, since))


def _page(invocation: Invocation, output: Path | None, since: str | None) -> Result:
    from nimwrap.monitoring.atomic_write import write_whole
    from nimwrap.monitoring.report.page import page

    path = output or (Path(invocation.config.report.html) if invocation.config.report.html else DEFAULT)
    now = invocation.now()
    after = before_now(since, now, "--since") if since is not None else None
    with invocation.reader() as reader:
        text = page(invocation.config, reader, now, after)
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
