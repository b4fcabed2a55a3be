"""``nimwrap schedule due`` and ``schedule run``: the fleet runs that schedules ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import FailureCode, Outcome, exit_code_of_runs
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.domain.records import ClientRef
    from nimwrap.fleet.session import Session
    from nimwrap.scheduling.claims import ClaimResult
    from nimwrap.scheduling.due_run import DueReport, Missed
    from nimwrap.scheduling.model import Schedule


def run(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A schedule; `schedule list` shows them.", autocompletion=completion.schedules
        ),
    ],
) -> None:
    """Back up the clients of a schedule now.

    Whatever its times say; its window begins now.

    Example: nimwrap schedule run weekly
    """
    from nimwrap.cli.verbs.backup import leaving_on_signal, runs_result, watched
    from nimwrap.cli.verbs.schedule import loaded, named
    from nimwrap.fleet.fleet_run import Order
    from nimwrap.fleet.session import open_session, refresh_inventories
    from nimwrap.scheduling.claims import unresolved_target
    from nimwrap.scheduling.due_run import meant

    invocation = current(ctx)
    schedule = named(loaded(invocation), name)
    assert invocation.masters  # noqa: S101  raises, with the table to write, when there is none
    with open_session(invocation.config) as session:
        refs = meant(session, schedule, refresh_inventories(session))
        ends = session.clock.now() + timedelta(seconds=schedule.window) if schedule.window is not None else None
        if not refs:
            raise usage_error(f"the schedule {name} means no client", "`nimwrap status` lists those that are known")
        known = tuple(ref for ref in refs if not unresolved_target(ref))
        order = Order(known, schedule=schedule.name, window_ends=ends, issued=invocation.issued)
        with leaving_on_signal(session):
            runs = watched(invocation, session, order)
        invocation.finish(runs_result("schedule run", session, order, runs, _unresolved(refs)))


def due(ctx: typer.Context) -> None:
    """Run what is due: the one-shot for a timer or cron.

    A slot that two calls find at the same instant is run by one of them. Slots that come too late, or whose window
    is over, are recorded as missed, with the reason.

    Example: nimwrap schedule due
    """
    from nimwrap.cli.output.progress_lines import PlainLines
    from nimwrap.cli.verbs.backup import leaving_on_signal
    from nimwrap.cli.verbs.schedule import loaded
    from nimwrap.fleet.session import open_session
    from nimwrap.scheduling.due_run import run_due

    invocation = current(ctx)
    schedules = loaded(invocation)
    assert invocation.masters  # noqa: S101  raises, with the table to write, when there is none
    with open_session(invocation.config) as session, leaving_on_signal(session):
        session.tell = PlainLines(invocation).tell
        report = run_due(session, schedules, tell=lambda look: say(invocation, look))
        for sentence in report.said:
            invocation.say(sentence)
        invocation.finish(_result(session, schedules, report))


def say(invocation: Invocation, look: ClaimResult) -> None:
    """What a look at the schedules did, for those who watch."""
    for opened in look.opened:
        state = "begins" if opened.due.begins else "missed"
        why = f" ({opened.due.reason})" if opened.due.reason else ""
        count = f"{len(opened.refs)} client{'' if len(opened.refs) == 1 else 's'}"
        invocation.say(f"{opened.schedule}: the slot of {rfc3339(opened.due.slot)} {state}{why}, {count}")
    for passed in look.passed:
        names = " ".join(ref.client for ref in passed.refs)
        invocation.say(f"{passed.schedule}: the slot of {rfc3339(passed.slot)} is missed for {names}: {passed.reason}")
    for error in look.troubles:
        invocation.warn(error.message, error.hint)


def _result(session: Session, schedules: dict[str, Schedule], report: DueReport) -> Result:
    """All fleet runs of one ``due`` as one result. A client that missed its slot counts as skipped."""
    from nimwrap.cli.verbs.backup import runs_result
    from nimwrap.fleet.fleet_run import Order, counts

    runs = [run for worked in report.worked for run in worked.runs]
    order = Order(tuple(ref for worked in report.worked for ref in worked.order.refs), schedule="due")
    unresolved = _unresolved(report.unresolved)
    result = runs_result("schedule due", session, order, runs, unresolved)
    judged: list[tuple[Outcome, FailureCode | None, bool]]
    judged = [(run.outcome, run.failure.code if run.failure else None, counts(order, run)) for run in runs]
    judged += [(Outcome.SKIPPED, FailureCode.OUTSIDE_WINDOW, missed.counts) for missed in report.missed]
    judged += [(Outcome.REFUSED, FailureCode.of(problem.code), True) for problem in unresolved]
    judged += [(Outcome.FAILED, FailureCode.of(error.code), True) for error in report.faults]
    errors = [*result.errors]
    errors += [_problem(missed) for missed in report.missed if missed.counts]
    errors += [problem for error in report.faults for problem in error.problems]

    def text(out: Printer) -> None:
        for opened in report.opened:
            if not opened.due.begins:
                out.line(f"{opened.schedule}: the slot of {rfc3339(opened.due.slot)} is missed: {opened.due.reason}")
        if runs and result.text is not None:
            result.text(out)
        elif not report.opened and not report.passed:
            out.line(_nothing(session, schedules))

    code = result.exit_code if session.left_by is not None else exit_code_of_runs(judged)
    return replace(result, data=dict(result.data) | _data(report), errors=errors, exit_code=code, text=text)


def _data(report: DueReport) -> dict[str, Any]:
    slots = [
        {
            "schedule": opened.schedule,
            "slot": opened.due.slot,
            "state": "begun" if opened.due.begins else "missed",
            "reason": opened.due.reason,
            "clients": [str(ref) for ref in opened.refs],
        }
        for opened in report.opened
    ]
    missed = [
        {
            "schedule": each.schedule,
            "slot": each.slot,
            "client": each.ref.client,
            "master": each.ref.master,
            "reason": each.reason,
        }
        for each in report.missed
    ]
    return {"slots": slots, "missed": missed}


def _problem(missed: Missed) -> Problem:
    message = f"{missed.ref.client}: the slot of {missed.schedule} at {rfc3339(missed.slot)} is missed: {missed.reason}"
    hint = "`nimwrap schedule run` does it now; a longer catch_up or window lets it begin by itself"
    return Problem(FailureCode.OUTSIDE_WINDOW, message, hint, missed.ref.client)


def _unresolved(refs: Iterable[ClientRef]) -> list[Problem]:
    """What is to be said of those whom a schedule means and nobody can back up."""
    from nimwrap.scheduling.claims import unresolved_target

    return [
        Problem(FailureCode.CLIENT_UNKNOWN, f"{ref.client}: {why}", "correct the schedule", ref.client)
        if ref.client
        else Problem(FailureCode.MASTER_UNREACHABLE, f"{ref.master}: {why}", "nimwrap status --refresh", None)
        for ref in refs
        if (why := unresolved_target(ref))
    ]


def _nothing(session: Session, schedules: dict[str, Schedule]) -> str:
    now = session.clock.now()
    coming = sorted((next(schedule.clock.after(now)), name) for name, schedule in schedules.items())
    if not coming:
        return f"Nothing is due: there is no schedule in {session.config.schedules}."
    slot, name = coming[0]
    return f"Nothing is due. Next: {name} at {rfc3339(slot)}."
