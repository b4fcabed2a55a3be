"""``nimwrap history``: the recorded runs, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import before_now, short
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.errors import usage_error
from nimwrap.domain.local_time import zone
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.target_names import EVERYONE, shown
from nimwrap.history.json_view import runs_json

if TYPE_CHECKING:
    from nimwrap.domain.records import ClientRef
    from nimwrap.history.sqlite.queries import Reader

PAGE = 50
PAGE_SINCE = 10_000


def register(app: typer.Typer) -> None:
    app.command()(history)


def history(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TARGET]...", help="Clients; none: all.", autocompletion=completion.targets),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="7d", help="Not before: a duration, a date or a time.")] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(metavar="O", help="Only this outcome; may be given several times.")
    ] = None,
    code: Annotated[
        str | None, typer.Option(metavar="C", help="Only this failure code.", autocompletion=completion.failure_codes)
    ] = None,
    master: Annotated[
        str | None, typer.Option(metavar="M", help="Only this master's.", autocompletion=completion.masters)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=f"At most N runs ({PAGE}; with --since {PAGE_SINCE}).")
    ] = None,
) -> None:
    """List the recorded runs, newest first.

    Example: nimwrap history powerha1 --since 7d
    """
    invocation = current(ctx)
    outcomes = [_one_of(word, Outcome, "outcome") for word in outcome or []]
    failure = _one_of(code, FailureCode, "failure code") if code is not None else ""
    after = before_now(since, invocation.now(), "--since") if since is not None else None
    wanted = limit or (PAGE if since is None else PAGE_SINCE)
    with invocation.reader() as reader:
        rows = []
        chosen = _chosen(targets, master, reader, invocation) if targets or master else []
        if chosen or not (targets or master):
            rows = reader.runs(chosen, since=after, outcomes=outcomes, code=failure, limit=wanted + 1)
        more = len(rows) > wanted
        shown = runs_json(reader, rows[:wanted], evidence=False)
    invocation.finish(
        Result("history", {"runs": shown, "more": more}, text=lambda printer: _text(printer, shown, more=more))
    )


def _chosen(
    targets: Sequence[str] | None, master: str | None, reader: Reader, invocation: Invocation
) -> Sequence[ClientRef]:
    from nimwrap.cli.recorded_targets import clients_meant

    found = clients_meant(invocation.settings, reader, targets or [EVERYONE])
    if master is None:
        return found
    masters = [*invocation.settings.masters, *dict.fromkeys(ref.master for ref in reader.known())]
    if master not in masters:
        names = ", ".join(dict.fromkeys(masters)) or "not known yet"
        raise usage_error(f"there is no master {shown(master)}", did_you_mean(master, masters) or f"they are {names}")
    return [ref for ref in found if ref.master == master]


def _one_of(word: str, words: type[StrEnum], what: str) -> str:
    known = [str(each) for each in words]
    if word not in known:
        near = did_you_mean(word, known) or f"known are {', '.join(known)}"
        raise usage_error(f"{shown(word)} is no {what}", near)
    return word


def _text(printer: Printer, runs: list[dict[str, Any]], *, more: bool) -> None:
    if not runs:
        printer.line("No runs are recorded.")
        return
    several = len({run["master"] for run in runs}) > 1
    printer.table(
        ("run", "client", f"started ({zone()})", "outcome", "took", "size", "note"),
        [
            (
                run["id"],
                subject(run, several=several),
                short(run["started"]),
                printer.word(run["outcome"]),
                format_duration(run["duration_s"]) if run["duration_s"] is not None else "",
                format_size(run["image"]["size_bytes"]) if run["image"] else "",
                note(run),
            )
            for run in runs
        ],
    )
    if more:
        printer.line("Older runs are not shown; --limit N shows more.")


def subject(run: dict[str, Any], *, several: bool = False) -> str:
    """Whose run it is, and of what unless of the usual mksysb; with the master's name where there are several."""
    name = f"{run['master']}/{run['client']}" if several else str(run["client"])
    return name if run["kind"] == PLAIN_KIND else f"{name} ({run['kind']})"


def note(run: dict[str, Any]) -> str:
    """The shortest word on what was special: the failure's code, else the remedy that let the client in."""
    return str(run["failure"]["code"]) if run["failure"] else (run["remedy"] or "")
