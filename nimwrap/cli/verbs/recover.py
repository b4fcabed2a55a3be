"""``nimwrap recover``: finish what a crash left."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import Problem
from nimwrap.domain.progress import Progress


def register(app: typer.Typer) -> None:
    app.command()(recover)


def recover(
    ctx: typer.Context,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Leave operations that still run to a later recover.")
    ] = False,
    foreign: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Take over this run of another installation, once it is proven dead."),
    ] = None,
) -> None:
    """Finish what a crash left: adopt running operations, confirm undone exports, close runs.

    Runs whose owner still lives are never touched, nor those of another installation (state_dir/installation) unless
    one is named with --foreign. Running it again is harmless.

    Example: nimwrap recover
    """
    from nimwrap.actions.recover_masters import recover_masters, take_over_run
    from nimwrap.cli.output.progress_lines import describe

    invocation = current(ctx)
    invocation.need_masters()

    def tell(progress: Progress) -> None:
        if progress.note:
            invocation.say(describe(progress))

    if foreign is not None:
        found = take_over_run(invocation.config, foreign, tell=tell)
    else:
        found = recover_masters(invocation.config, wait=not no_wait, tell=tell)
    masters, errors = found.done.values(), [*found.troubles.values()]
    data = {
        "closed": [run for done in masters for run in done.closed],
        "running": [run for done in masters for run in done.running],
        "cleaned": [directory for done in masters for directory in done.cleaned],
    }
    notes = [note for done in masters for note in done.notes]
    code = errors[0].exit_code if errors else ExitCode.FAILED if notes else ExitCode.OK
    problems = [problem for error in errors for problem in error.problems]
    problems += [Problem("leftover", note) for note in notes]
    invocation.finish(Result("recover", data, code, problems, text=lambda out: _text(out, data, nobody=not found.done)))


def _text(out: Printer, data: dict[str, Any], *, nobody: bool) -> None:
    if nobody:
        out.line("No master was reached, so whether anything is open is not known.")
    elif not any(data.values()):
        out.line("Nothing was open.")
    for title, key in (("closed", "closed"), ("still running", "running"), ("cleaned up", "cleaned")):
        for name in data[key]:
            out.line(f"{title}: {name}")
