"""``nimwrap images drill``: a restore that is carried out and timed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.image_targets import problems_of
from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.durations import format_duration
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.target_names import EVERYONE, shown

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef
    from nimwrap.drills.run_drill import DrillResult
    from nimwrap.history.sqlite.queries import Reader


def register(images: typer.Typer) -> None:
    images.command("drill")(drill)


def drill(
    ctx: typer.Context,
    client: Annotated[str | None, typer.Argument(metavar="[CLIENT]", help="Whose newest image is tried.")] = None,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="extract, disk or lpar")] = "extract",
    on: Annotated[
        str | None, typer.Option("--on", metavar="SANDBOX", help="One of [sandboxes], for disk and lpar.")
    ] = None,
) -> None:
    """Restore from the newest proven image of a client, say how long that took, and take everything away again.

    Without a client: the one whose last drill is the oldest. extract: bosinst.data, image.data, files of /etc and the
    ODM come out of the image into a directory of their own on the master, as the image's own list has them. disk: the
    whole image becomes a sleeping rootvg on a free disk of a sandbox of the configuration. lpar: a sandbox is installed
    from it and booted; what was on it is lost.

    Example: nimwrap images drill aix01
    """
    from nimwrap.actions.drill_images import WantedDrill, drill_images
    from nimwrap.drills.levels import LEVELS

    if level not in LEVELS:
        raise usage_error(f"no level is called {shown(level)}", did_you_mean(level, list(LEVELS)) or ", ".join(LEVELS))
    invocation = current(ctx)

    def chosen(reader: Reader) -> Sequence[ClientRef]:
        return clients_meant(invocation.config, reader, [client or EVERYONE])

    tell = partial(_tell, invocation.say)
    done = drill_images(invocation.config, chosen, WantedDrill(level, on), tell, only_oldest=client is None)
    problems = problems_of(done.troubles) + [
        Problem(each.end.failure.code, each.end.failure.message, each.end.failure.fix, each.row.client)
        for each in done.results
        if each.end.failure
    ]
    warnings = [Problem("drill", f"something is left of the drill: {each.left}") for each in done.results if each.left]
    data = {"drills": [result_json(each) for each in done.results]}
    code = _code(done.results, done.troubles)
    invocation.finish(Result("images drill", data, code, problems, warnings, text=lambda out: _passed(out, data)))


def result_json(result: DrillResult) -> dict[str, Any]:
    """One entry of ``data.drills[]``."""
    failure, row = result.end.failure, result.row
    return {
        "image": row.resource or row.location,
        "image_id": row.id,
        "client": row.client,
        "master": row.master,
        "level": result.level,
        "outcome": _outcome(result),
        "took_s": result.took_s,
        "evidence": list(result.end.evidence),
        "reason": failure.message if failure else None,
    }


def _outcome(result: DrillResult) -> str:
    if result.end.failure is None:
        return "ok"
    return "skipped" if result.skipped else "refused" if result.refused else "failed"


def _tell(say: Any, result: DrillResult) -> None:
    word = result.end.failure.message if result.end.failure else "ok"
    say(f"{result.row.resource or result.row.location}: {word}")


def _code(results: Sequence[DrillResult], troubles: Sequence[Any]) -> ExitCode:
    failed = [each for each in results if each.end.failure]
    if not failed and not troubles:
        return ExitCode.OK
    if len(failed) < len(results):
        return ExitCode.PARTIAL
    if results and all(each.skipped for each in results):
        return ExitCode.LOCKED
    if results and all(each.refused for each in results):
        return ExitCode.REFUSED
    codes = {error.exit_code for error in troubles}
    return ExitCode.FAILED if failed or len(codes) != 1 else codes.pop()


def _passed(out: Printer, data: dict[str, Any]) -> None:
    for each in data["drills"]:
        took = f", took {format_duration(each['took_s'])}" if each["took_s"] is not None else ""
        out.line(f"{out.word(each['outcome'])}: {each['client']}, {each['level']} of {each['image']}{took}")
        for line in [each["reason"], *each["evidence"]]:
            if line:
                out.line(f"  {line}")
    if not data["drills"]:
        out.line("Nothing was tried.")
