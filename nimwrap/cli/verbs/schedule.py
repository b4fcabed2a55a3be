"""``nimwrap schedule``: what is planned, what comes next, and the one-shot that runs what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.durations import format_duration
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.local_time import zone

if TYPE_CHECKING:
    from nimwrap.clients.blackouts import Blackout
    from nimwrap.history.model import ClientRow
    from nimwrap.scheduling.forecast import Coming
    from nimwrap.scheduling.model import Schedule

_NAMES_SHOWN = 6


def register(app: typer.Typer) -> None:
    """Add the sub-commands to ``app``."""
    from nimwrap.cli.verbs.import_cron import import_cron
    from nimwrap.cli.verbs.schedule_due import due, run

    schedule = typer.Typer(no_args_is_help=True, help="Schedules: list, forecast, run, import from cron.")
    schedule.command("list")(list_schedules)
    schedule.command("next")(next_slots)
    for verb in (run, due, import_cron, validate):
        schedule.command()(verb)
    app.add_typer(schedule, name="schedule")


def list_schedules(ctx: typer.Context) -> None:
    """List the schedules, with the next slot of each.

    Example: nimwrap schedule list
    """
    invocation = current(ctx)
    schedules = loaded(invocation)
    now = invocation.now()
    rows = [_as_json(schedule) | {"next": next(schedule.clock.after(now))} for schedule in schedules.values()]
    invocation.finish(Result("schedule list", {"schedules": rows}, text=lambda out: _list_text(out, rows, invocation)))


def next_slots(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these schedules.", autocompletion=completion.schedules),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=800, help="How many days to look ahead.")] = 7,
) -> None:
    """Show the coming slots and their clients.

    Times are those of this machine, and of the zone of each schedule; clients are those of the inventory as it is now.

    Example: nimwrap schedule next --days 31
    """
    from nimwrap.scheduling.forecast import coming, too_long

    invocation = current(ctx)
    schedules = loaded(invocation)
    chosen = {name: named(schedules, name) for name in names} if names else schedules
    now = invocation.now()
    with invocation.reader() as reader:
        slots = list(coming(invocation.config, reader, chosen, now, now + timedelta(days=days)))
        warnings = _inventory_warning(reader.clients())
    warnings += [Problem("window_short", text, hint) for _, text, hint in too_long(slots)]
    data = {"slots": [_slot_as_json(each) for each in slots], "from": now, "days": days}
    text = lambda out: _next_text(out, slots, days)  # noqa: E731
    invocation.finish(Result("schedule next", data, warnings=warnings, text=text))


def validate(ctx: typer.Context) -> None:
    """Check all schedule files: every fault, with its line.

    Example: nimwrap schedule validate
    """
    from nimwrap.scheduling.schedule_lint import schedule_warnings

    invocation = current(ctx)
    schedules = loaded(invocation)
    with invocation.reader() as reader:
        doubtful = list(schedule_warnings(invocation.config, reader, schedules))
    warnings = [Problem("schedule_doubtful", text, hint) for text, hint in doubtful]
    directory = invocation.config.schedules
    data = {"directory": directory, "schedules": sorted(schedules)}
    count = f"{len(schedules)} schedule{'' if len(schedules) == 1 else 's'}"
    text = lambda out: out.line(f"{directory}: {count}, no faults")  # noqa: E731
    invocation.finish(Result("schedule validate", data, warnings=warnings, text=text))


def loaded(invocation: Invocation) -> dict[str, Schedule]:
    """The schedules of the configuration; NimwrapError (exit 78) with every fault."""
    from nimwrap.scheduling.schedule_files import load_schedules

    return load_schedules(invocation.config)


def named(schedules: dict[str, Schedule], name: str) -> Schedule:
    """The schedule of that name; a usage error with the nearest one when there is none."""
    if name in schedules:
        return schedules[name]
    known = f"the schedules are {', '.join(schedules)}" if schedules else "there is no schedule yet"
    raise usage_error(f"there is no schedule {name!r}", did_you_mean(name, schedules) or known)


def _as_json(schedule: Schedule) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "targets": schedule.targets,
        "window_s": schedule.window,
        "jitter_s": schedule.jitter,
        "catch_up_s": schedule.catch_up,
        "begin": schedule.begin,
        "file": schedule.file,
    }


def _slot_as_json(each: Coming) -> dict[str, Any]:
    from nimwrap.scheduling.slots import start_of, window_end

    return {
        "schedule": each.schedule.name,
        "slot": each.slot,
        "local": each.slot.astimezone(each.schedule.clock.zone).isoformat(),
        "timezone": each.schedule.timezone,
        "window_ends": window_end(each.schedule, each.slot),
        "begins": each.slot + timedelta(seconds=each.wait_s),
        "expected_s": each.night.seconds if each.night else None,
        "fits": each.fits,
        "at_once": each.night.at_once if each.night else None,
        "blackout": _blackout(each.blackout),
        "clients": [
            {
                "client": ref.client,
                "master": ref.master,
                "start": start_of(each.schedule, ref, each.slot) + timedelta(seconds=each.wait_s),
                "blackout": _blackout(each.black.get(ref)),
            }
            for ref in each.refs
        ],
    }


def _blackout(black: Blackout | None) -> dict[str, Any] | None:
    return {"name": black.name, "ends": black.ends} if black else None


def _inventory_warning(clients: list[ClientRow]) -> list[Problem]:
    if clients:
        return []
    hint = "`nimwrap status --refresh` asks the masters"
    return [Problem("no_inventory", "no client is known yet, so none is shown", hint)]


def _list_text(out: Printer, rows: list[dict[str, Any]], invocation: Invocation) -> None:
    if not rows:
        out.line(f"No schedule in {invocation.config.schedules}.")
        return
    out.table(
        ("name", "cron", "timezone", "targets", "window", "jitter", "catch up", f"next ({zone()})"),
        [
            (
                row["name"],
                row["cron"],
                row["timezone"],
                " ".join(row["targets"]),
                _length(row["window_s"]),
                _length(row["jitter_s"]),
                _length(row["catch_up_s"]),
                f"{row['next'].astimezone():%Y-%m-%d %H:%M}",
            )
            for row in rows
        ],
    )


def _next_text(out: Printer, slots: list[Coming], days: int) -> None:
    if not slots:
        out.line(f"Nothing is due in the next {days} days.")
        return
    out.table(
        (f"begins ({zone()})", "by its own clock", "schedule", "expected", "clients"),
        [
            (
                f"{each.slot.astimezone():%a %Y-%m-%d %H:%M}",
                f"{each.slot.astimezone(each.schedule.clock.zone):%a %Y-%m-%d %H:%M %Z}",
                each.schedule.name,
                _expected(each),
                _some([ref.client for ref in each.refs if each.blackout or ref not in each.black]),
            )
            for each in slots
        ],
    )


def _expected(each: Coming) -> str:
    """How long the night will take, or why there will be none."""
    if each.blackout is not None:
        return f"skipped: blackout {each.blackout.name}"
    return format_duration(each.night.seconds) if each.night else ""


def _some(names: list[str]) -> str:
    shown = " ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "none"


def _length(seconds: int | None) -> str:
    return format_duration(seconds) if seconds else ""
