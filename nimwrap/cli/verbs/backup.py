"""``nimwrap backup``: preflight, remedy where needed, image, proof, record."""

from __future__ import annotations

import _thread
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.arguments import Everything, Targets, with_everyone
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode, FailureCode, Outcome, exit_code_of_runs
from nimwrap.domain.durations import format_duration, format_size, parse_rfc3339, rfc3339
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.domain.records import Run
    from nimwrap.fleet.fleet_run import Order
    from nimwrap.fleet.session import Session


def register(app: typer.Typer) -> None:
    app.command()(backup)


def backup(
    ctx: typer.Context,
    targets: Targets = None,
    everything: Everything = False,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="G", help="The clients of a group.", autocompletion=completion.groups),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print plan and commands; change nothing.")] = False,
    no_remedy: Annotated[bool, typer.Option("--no-remedy", help="Refuse instead of changing an export.")] = False,
) -> None:
    """Back up clients: check, let in where needed, make the image, prove it, record it.

    Example: nimwrap backup powerha1
    """
    from nimwrap.fleet.session import open_session, refresh_and_select

    invocation = current(ctx)
    wanted = with_everyone(targets, group, everything=everything)
    if not wanted:
        raise usage_error("backup needs a client, a group or --all", "nimwrap backup powerha1")
    config = invocation.config.saying(export_change="never") if no_remedy else invocation.config
    assert invocation.masters  # noqa: S101  raises, with the table to write, when there is none
    with open_session(config, ahead=True) as session:
        Thread(
            target=import_module, args=("nimwrap.fleet.fleet_run",)
        ).start()  # read while the masters list their clients
        selection = refresh_and_select(session, wanted)
        from nimwrap.fleet.fleet_run import Order

        order = Order(selection.refs, selection.named, issued=invocation.issued)
        if dry_run:
            from nimwrap.cli.output.plan_view import dry_run_result

            invocation.finish(dry_run_result(session, order))
        with leaving_on_signal(session):
            runs = watched(invocation, session, order)
        invocation.finish(runs_result("backup", session, order, runs))


@contextmanager
def leaving_on_signal(session: Session) -> Iterator[None]:
    """SIGINT and SIGTERM make us leave; what runs on the masters goes on."""

    def leave(number: int, _frame: object) -> None:
        session.left_by = number
        # Not here: the main thread may hold the lock inside the event just now, and would wait for itself.
        _thread.start_new_thread(session.clock.stop.set, ())

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watched(invocation: Invocation, session: Session, order: Order) -> list[Run]:
    """Run the fleet while its progress is shown, and tell those who should know."""
    from nimwrap.cli.output.progress_lines import watching
    from nimwrap.monitoring.alerts.notify_fleet import run_fleet_and_notify

    with watching(invocation, session, order):
        return run_fleet_and_notify(session, order)


def runs_result(
    command: str, session: Session, order: Order, runs: list[Run], unresolved: Sequence[Problem] = ()
) -> Result:
    """The result of a fleet run, shown from the stored rows. ``unresolved``: targets that no run could be of."""
    from nimwrap.fleet.fleet_run import counts
    from nimwrap.history.json_view import runs_json

    shown = runs_json(session.reader, session.reader.runs_by_id([run.id for run in runs]), evidence=True)
    judged: list[tuple[Outcome, FailureCode | None, bool]]
    judged = [(run.outcome, run.failure.code if run.failure else None, counts(order, run)) for run in runs]
    judged += [(Outcome.FAILED, FailureCode.of(error.code), True) for error in session.unreachable]
    judged += [(Outcome.REFUSED, FailureCode.of(problem.code), True) for problem in unresolved]
    code = exit_code_of_runs(judged)
    failed = [run for run in runs if run.failure and counts(order, run) and run.outcome is not Outcome.WARNING]
    warned = [run for run in runs if run.failure and run.outcome is Outcome.WARNING]
    errors = [_problem(run) for run in failed]
    errors += [*unresolved, *(problem for error in session.unreachable for problem in error.problems)]
    if session.left_by is not None:
        code = ExitCode.TERMINATED if session.left_by == signal.SIGTERM else ExitCode.INTERRUPTED
        errors.append(_left(session, shown))
    warnings = [_problem(run) for run in warned]
    return Result(command, {"runs": shown}, code, errors, warnings, lambda out: _text(out, shown))


def _problem(run: Run) -> Problem:
    assert run.failure is not None  # noqa: S101  only called for runs that have one
    return Problem(run.failure.code, f"{run.client}: {run.failure.message}", run.failure.fix, run.client)


def _left(session: Session, shown: list[dict[str, Any]]) -> Problem:
    """What goes on without us, where, and until when: the runs whose last attempt was begun and has no end."""
    going = []
    for run in shown:
        attempt = run["attempts"][-1] if run["attempts"] else None
        if run["outcome"] == Outcome.RUNNING and attempt and attempt["ended"] is None:
            limit = timedelta(seconds=session.config.policy(run["master"], run["client"]).timeout)
            until = rfc3339(parse_rfc3339(attempt["started"]) + limit)
            going.append(f"{run['client']} on {run['master']} until {until} at the latest (run {run['id']})")
    if not going:
        return Problem("cancelled", "interrupted; nothing goes on", "start the backup again when it suits")
    return Problem(
        "cancelled",
        f"interrupted; going on without us: {', '.join(going)}",
        "the master ends each by then and reverts its export by itself; "
        "`nimwrap recover` records how it ended, `nimwrap cancel RUN` ends it now",
    )


def _text(out: Printer, runs: list[dict[str, Any]]) -> None:
    from nimwrap.cli.verbs.history import subject

    out.table(
        ("client", "outcome", "took", "size", "remedy", "image"),
        [
            (
                subject(run),
                out.word(run["outcome"]),
                format_duration(run["duration_s"]) if run["duration_s"] is not None else "",
                format_size(run["image"]["size_bytes"]) if run["image"] else "",
                run["remedy"] or "",
                run["image"]["location"] if run["image"] else _why(run),
            )
            for run in runs
        ],
    )


def _why(run: dict[str, Any]) -> str:
    """The failure's code, and the command that tells the rest."""
    code = f"{run['failure']['code']}: " if run["failure"] else ""
    return f"{code}nimwrap show {run['id']}"
