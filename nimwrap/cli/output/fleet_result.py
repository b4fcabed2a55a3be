"""How the runs of a fleet are shown: exit code, errors, one row for each."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nimwrap.cli.invocation import Result
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode, FailureCode, Outcome, exit_code_of_runs
from nimwrap.domain.durations import format_duration, format_size, parse_rfc3339
from nimwrap.domain.errors import Problem
from nimwrap.domain.local_time import local_text

if TYPE_CHECKING:
    from nimwrap.actions.backup_clients import FleetResult
    from nimwrap.config.model import Config
    from nimwrap.domain.records import Run
    from nimwrap.fleet.fleet_run import Order

Judged = list[tuple[Outcome, FailureCode | None, bool]]


def fleet_result(command: str, fleet: FleetResult, left_by: int | None, unresolved: Sequence[Problem] = ()) -> Result:
    """The result of a fleet run, shown from the stored rows.

    ``left_by``: the signal that made us leave; ``unresolved``: targets that no run could be of.
    """
    from nimwrap.fleet.fleet_run import counts

    code = exit_code_of_runs(judged(fleet, unresolved))
    failed = [run for run in fleet.runs if counts(fleet.order, run) and run.outcome is not Outcome.WARNING]
    errors = _problems(failed)
    errors += [*unresolved, *(problem for error in fleet.unreachable for problem in error.problems)]
    if left_by is not None:
        code = ExitCode.TERMINATED if left_by == signal.SIGTERM else ExitCode.INTERRUPTED
        errors.append(_left(fleet.config, fleet.shown))
    warnings = _problems([run for run in fleet.runs if run.outcome is Outcome.WARNING])
    return Result(command, {"runs": fleet.shown}, code, errors, warnings, lambda out: _text(out, fleet.shown))


def begun_by_hand(result: Result, config: Config, order: Order, at: datetime) -> Result:
    """With a warning for each blackout that the clients were in: who asks by hand is not held up."""
    from nimwrap.clients.blackouts import in_force

    warnings = [
        Problem("blackout", f"blackout {black.name} is in force for {count} of these clients", hint)
        for black, count in in_force(config, order.refs, at).values()
        for hint in [f"it holds for schedules alone, until {local_text(black.ends)}"]
    ]
    return replace(result, warnings=[*result.warnings, *warnings])


def judged(fleet: FleetResult, unresolved: Sequence[Problem]) -> Judged:
    """What the exit code is made of: outcome, failure, and whether it counts."""
    from nimwrap.fleet.fleet_run import counts

    found: Judged
    found = [(run.outcome, run.failure.code if run.failure else None, counts(fleet.order, run)) for run in fleet.runs]
    found += [(Outcome.FAILED, FailureCode.of(error.code), True) for error in fleet.unreachable]
    return found + [(Outcome.REFUSED, FailureCode.of(problem.code), True) for problem in unresolved]


def _problems(runs: Sequence[Run]) -> list[Problem]:
    return [
        Problem(failure.code, f"{run.client}: {failure.message}", failure.fix, run.client)
        for run in runs
        if (failure := run.failure)
    ]


def _left(config: Config, shown: list[dict[str, Any]]) -> Problem:
    """What goes on without us, where, and until when: the runs whose last attempt was begun and has no end."""
    going = []
    for run in shown:
        attempt = run["attempts"][-1] if run["attempts"] else None
        if run["outcome"] == Outcome.RUNNING and attempt and attempt["ended"] is None:
            limit = timedelta(seconds=config.policy(run["master"], run["client"]).timeout)
            until = local_text(parse_rfc3339(attempt["started"]) + limit)
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
