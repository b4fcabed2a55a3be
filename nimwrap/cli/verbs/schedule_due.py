"""``nimwrap schedule due`` and ``schedule run``: the fleet runs that schedules ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode, FailureCode, Outcome, exit_code_of_runs
from nimwrap.domain.errors import Problem
from nimwrap.domain.local_time import local_text

if TYPE_CHECKING:
    from nimwrap.actions.run_schedules import DueResult
    from nimwrap.domain.records import ClientRef, Run
    from nimwrap.scheduling.claims import ClaimResult, OpenedSlot
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
    from nimwrap.actions.run_schedules import run_schedule
    from nimwrap.cli.fleet_watch import FleetWatch
    from nimwrap.cli.output.fleet_result import begun_by_hand, fleet_result
    from nimwrap.cli.verbs.schedule import loaded, named
    from nimwrap.scheduling.due_run import all_set_aside

    invocation = current(ctx)
    schedule = named(loaded(invocation), name)
    invocation.need_masters()
    watch = FleetWatch(invocation)
    done = run_schedule(invocation.config, schedule, invocation.issued, watch)
    result = fleet_result("schedule run", done.fleet, watch.left_by, _unresolved(done.unresolved))
    result = begun_by_hand(result, invocation.config, done.fleet.order, invocation.issued)
    if result.exit_code == ExitCode.OK and all_set_aside(done.fleet.runs):
        result = replace(
            result, exit_code=ExitCode.SKIPPED, errors=[*result.errors, _all_left_out(schedule.name, done.fleet.runs)]
        )
    invocation.finish(result)


def due(ctx: typer.Context) -> None:
    """Run what is due: the one-shot for a timer or cron.

    A slot that two calls find at the same instant is run by one of them. Slots that come too late, or whose window
    is over, are recorded as missed, with the reason.

    Example: nimwrap schedule due
    """
    from nimwrap.actions.run_schedules import run_due_slots
    from nimwrap.cli.fleet_watch import FleetWatch
    from nimwrap.cli.output.progress_lines import PlainLines
    from nimwrap.cli.verbs.schedule import loaded

    invocation = current(ctx)
    schedules = loaded(invocation)
    invocation.need_masters()
    watch = FleetWatch(invocation)
    done = run_due_slots(
        invocation.config, schedules, PlainLines(invocation), watch.leaving, lambda look: say(invocation, look)
    )
    for sentence in done.report.said:
        invocation.say(sentence)
    invocation.finish(_result(invocation, schedules, done, watch.left_by))


def say(invocation: Invocation, look: ClaimResult) -> None:
    """What a look at the schedules did, for those who watch."""
    for opened in look.opened:
        state = "begins" if opened.due.begins else opened.due.state
        why = f" ({opened.due.reason})" if opened.due.reason else ""
        count = f"{len(opened.refs)} client{'' if len(opened.refs) == 1 else 's'}"
        invocation.say(f"{opened.schedule}: the slot of {local_text(opened.due.slot)} {state}{why}, {count}")
    for passed in look.passed:
        names = " ".join(ref.client for ref in passed.refs)
        invocation.say(
            f"{passed.schedule}: the slot of {local_text(passed.slot)} is {passed.state} for {names}: {passed.reason}"
        )
    for error in look.troubles:
        invocation.warn(error.message, error.hint)


def _result(invocation: Invocation, schedules: dict[str, Schedule], done: DueResult, left_by: int | None) -> Result:
    """All fleet runs of one ``due`` as one result. A client that missed its slot counts as skipped."""
    from nimwrap.cli.output.fleet_result import fleet_result, judged

    report, unresolved = done.report, _unresolved(done.report.unresolved)
    result = fleet_result("schedule due", done.fleet, left_by, unresolved)
    outcomes = judged(done.fleet, unresolved)
    outcomes += [(Outcome.SKIPPED, FailureCode.OUTSIDE_WINDOW, missed.counts) for missed in report.missed]
    outcomes += [(Outcome.FAILED, FailureCode.of(error.code), True) for error in report.faults]
    outcomes += [(Outcome.SKIPPED, FailureCode.HELD, True) for _ in report.set_aside]
    nobody = report.without_clients
    alone = not any(counted for _, _, counted in outcomes)
    outcomes += [(Outcome.REFUSED, FailureCode.CLIENT_UNKNOWN, True) for _ in nobody]
    errors = [*result.errors]
    errors += [_all_left_out(worked.batch.schedule.name, worked.runs) for worked in report.set_aside]
    errors += [_for_nobody(opened) for opened in nobody]
    errors += [_problem(missed) for missed in report.missed if missed.counts]
    errors += [problem for error in report.faults for problem in error.problems]

    def text(out: Printer) -> None:
        for opened in report.opened:
            if not opened.due.begins:
                slot, due = local_text(opened.due.slot), opened.due
                out.line(f"{opened.schedule}: the slot of {slot} is {due.state}: {due.reason}")
        if done.fleet.runs and result.text is not None:
            result.text(out)
        elif not report.opened and not report.passed:
            out.line(_nothing(invocation, schedules))

    code: int = ExitCode.USAGE if nobody and alone else exit_code_of_runs(outcomes)
    code = result.exit_code if left_by is not None else code
    return replace(result, data=dict(result.data) | _data(report), errors=errors, exit_code=code, text=text)


def _data(report: DueReport) -> dict[str, Any]:
    slots = [
        {
            "schedule": opened.schedule,
            "slot": opened.due.slot,
            "state": opened.due.state,
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
            "state": each.state,
        }
        for each in report.missed
    ]
    return {"slots": slots, "missed": missed}


def _all_left_out(schedule: str, runs: Iterable[Run]) -> Problem:
    message = f"{schedule}: nobody was backed up, for every client of it is held or excluded"
    held = any(run.failure is not None and run.failure.code is FailureCode.HELD for run in runs)
    hint = "`nimwrap status` shows the holds; `nimwrap release` ends one"
    return Problem(FailureCode.HELD if held else FailureCode.EXCLUDED, message, hint)


def _for_nobody(opened: OpenedSlot) -> Problem:
    message = (
        f"{opened.schedule}: the slot of {local_text(opened.due.slot)} backed nobody up: its targets match no client"
    )
    return Problem(FailureCode.CLIENT_UNKNOWN, message, "correct its targets; `nimwrap status` lists the clients")


def _problem(missed: Missed) -> Problem:
    message = (
        f"{missed.ref.client}: the slot of {missed.schedule} at {local_text(missed.slot)} is {missed.state}:"
        f" {missed.reason}"
    )
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


def _nothing(invocation: Invocation, schedules: dict[str, Schedule]) -> str:
    now = invocation.now()
    coming = sorted((next(schedule.clock.after(now)), name) for name, schedule in schedules.items())
    if not coming:
        return f"Nothing is due: there is no schedule in {invocation.config.schedules}."
    slot, name = coming[0]
    return f"Nothing is due. Next: {name} at {local_text(slot)}."
