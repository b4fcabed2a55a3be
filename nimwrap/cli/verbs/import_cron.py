"""``nimwrap schedule import-cron``: from a crontab to schedules, every line accounted for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.scheduling.cron_import.checklist import Todo
    from nimwrap.scheduling.cron_import.import_plan import Known, Plan


def import_cron(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Output of `crontab -l`; - reads stdin.")],
    write: Annotated[Path | None, typer.Option(metavar="DIR", help="Write new files there; never overwrites.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Where the crontab sets no TZ.")] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A client; one alone is whose crontab it is, for lines that run mksysb."),
    ] = None,
) -> None:
    """Turn a crontab into schedules and settings.

    Every line that has to do with images is either understood or listed with the reason why not. No crontab is
    edited: what is left for a person stands at the end, as a list.

    Example: crontab -l | nimwrap schedule import-cron - --timezone Europe/Berlin
    """
    from nimwrap.scheduling.cron_import.checklist import checklist
    from nimwrap.scheduling.cron_import.import_output import schedules_toml, settings_toml, write_files
    from nimwrap.scheduling.cron_import.import_plan import plan_import

    invocation = current(ctx)
    _check(timezone, client or [])
    source = "stdin" if file == "-" else Path(file).name
    known = _known(invocation, client or [])
    plan = plan_import(_text(file), timezone=timezone, known=known)
    todos = checklist(plan, known, invocation.now())
    written = write_files(write, plan, source) if write is not None else []
    schedules, settings = schedules_toml(plan, source), settings_toml(plan)
    data = _data(plan) | {"schedules": schedules, "configuration": settings, "written": written, "checklist": todos}

    def text(out: Printer) -> None:
        _text_of_lines(out, plan)
        for title, toml in (("schedules", schedules), ("configuration", settings)):
            if toml:
                out.line()
                out.heading(f"--- {title}")
                out.line(toml.rstrip("\n"))
        _text_of_end(out, todos, written)

    invocation.finish(Result("schedule import-cron", data, warnings=_warnings(plan), text=text))


def _known(invocation: Invocation, said: list[str]) -> Known:
    """What configuration and inventories tell of clients and of the places of images; nothing where there are none."""
    from nimwrap.clients.known_clients import recorded_clients
    from nimwrap.domain.ref import MASTER
    from nimwrap.scheduling.cron_import.import_plan import Known

    config = invocation.settings
    with invocation.reader() as reader:
        refs = recorded_clients(config, reader).refs
    directories = {config.policy(ref.master, ref.client).directory for ref in refs}
    directories |= {config.policy(master, MASTER).directory for master in config.masters}
    return Known(tuple(said), frozenset(ref.client for ref in refs) - {MASTER}, frozenset(directories))


def _check(timezone: str | None, clients: list[str]) -> None:
    from nimwrap.domain.names import is_nim_name
    from nimwrap.domain.time_zones import time_zone

    if timezone is not None:
        try:
            time_zone(timezone)
        except ValueError as error:
            raise usage_error(f"--timezone: {error}") from error
    for client in clients:
        if not is_nim_name(client):
            raise usage_error(f"--client {client!r} is no NIM name")


def _text(file: str) -> str:
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    if b"\0" in data:
        raise usage_error(f"{file} is no crontab: it holds NUL bytes", "save it as UTF-8, not as UTF-16")
    return data.decode("utf-8-sig", "replace")


def _data(plan: Plan) -> dict[str, Any]:
    return {
        "understood": [
            {
                "line": each.line.number,
                "text": each.line.text,
                "schedule": each.schedule,
                "clients": [
                    {
                        "client": backup.client,
                        "name": backup.name,
                        "directory": backup.directory,
                        "layout": backup.layout,
                        "naming": backup.naming,
                        "mksysb_flags": backup.flags,
                    }
                    for backup in each.backups
                ],
                "notes": each.notes,
            }
            for each in plan.understood
        ],
        "not_understood": [
            {"line": each.line.number, "text": each.line.text, "why": each.why} for each in plan.not_understood
        ],
        "unrelated": [{"line": line.number, "text": line.text} for line in plan.unrelated],
        "other_hands": [
            {"line": hand.line.number, "text": hand.line.text, "deed": hand.deed, "why": hand.why}
            for hand in plan.hands
        ],
        "comment_out": [each.line.text for each in plan.understood],
    }


def _warnings(plan: Plan) -> list[Problem]:
    from nimwrap.scheduling.cron_import.import_plan import UNSET_ZONE

    warnings = [
        Problem(
            f"cron_{hand.deed}_images", f"line {hand.line.number}: {hand.why}", f"look at: {hand.line.text.strip()}"
        )
        for hand in plan.hands
    ]
    if plan.not_understood:
        count = len(plan.not_understood)
        text = f"{count} line{' was' if count == 1 else 's were'} not understood and will not run"
        warnings.append(Problem("not_understood", text, "write their schedules by hand; docs/schedules.md"))
    if any(schedule.timezone == UNSET_ZONE for schedule in plan.schedules):
        text = f"the crontab sets no TZ that names a place: timezone is {UNSET_ZONE}, which no schedule can run with"
        warnings.append(Problem("timezone_unset", text, "write it into the file, or give --timezone"))
    return warnings


def _text_of_lines(out: Printer, plan: Plan) -> None:
    out.heading(f"understood: {len(plan.understood)}")
    for each in plan.understood:
        clients = " ".join(dict.fromkeys(backup.client for backup in each.backups))
        out.line(f"  line {each.line.number} -> {each.schedule}: {clients}")
        for note in each.notes:
            out.line(f"      {note}")
    out.heading(f"not understood: {len(plan.not_understood)}")
    for missed in plan.not_understood:
        out.line(f"  line {missed.line.number}: {missed.why}")
        out.line(f"      {missed.line.text.strip()}")
    out.heading(f"unrelated: {len(plan.unrelated)}")
    for line in plan.unrelated:
        out.line(f"  line {line.number}: {line.text.strip()}")


def _text_of_end(out: Printer, todos: Sequence[Todo], written: list[Path]) -> None:
    """What was written, and what is left for a person."""
    for path in written:
        out.line(f"written: {path}")
    if not todos:
        return
    out.line()
    out.heading("--- what is left for you to do, in this order")
    for number, todo in enumerate(todos, 1):
        lines = f" (line{'s' if len(todo.lines) > 1 else ''} {', '.join(map(str, todo.lines))})" if todo.lines else ""
        out.line(f"{number}. [ ] {todo.do}{lines}")
        for detail in todo.details:
            out.line("       " + detail.replace("\n", "\n         "))
