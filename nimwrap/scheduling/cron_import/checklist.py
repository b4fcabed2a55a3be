"""What is left for a person after a crontab was read: a list in the order in which it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from nimwrap.domain.local_time import local_text
from nimwrap.scheduling.cron_import.import_plan import UNSET_ZONE, Known, Plan, PlannedSchedule
from nimwrap.scheduling.wallclock import wall_clock


@dataclass(frozen=True)
class Todo:
    """``code`` says which kind of thing it is; ``lines`` the numbers of the crontab's lines; ``details`` one a row."""

    code: str
    do: str
    lines: tuple[int, ...] = ()
    details: tuple[str, ...] = ()


def checklist(plan: Plan, known: Known, now: datetime) -> list[Todo]:
    """Everything that only a person can do; empty for a crontab that has nothing to do with images."""
    return [*_before(plan, known), *_at_the_end(plan, now)]


def _before(plan: Plan, known: Known) -> Iterator[Todo]:
    """What comes before nimwrap may take over."""
    unset = [schedule.name for schedule in plan.schedules if schedule.timezone == UNSET_ZONE]
    if unset:
        yield Todo("timezone", f"write the time zone of that machine in place of {UNSET_ZONE}", details=tuple(unset))
    if plan.common or plan.own:
        yield Todo("configuration", "merge the configuration above into nimwrap.toml, then nimwrap config validate")
    hands = {hand.line.number for hand in plan.hands}
    missed = [each for each in plan.not_understood if each.line.number not in hands]
    if missed:
        yield Todo(
            "by_hand",
            "write schedules by hand for lines that were not understood, or leave them to cron",
            tuple(each.line.number for each in missed),
            tuple(f"line {each.line.number}: {each.why}" for each in missed),
        )
    if plan.hands:
        yield Todo(
            "other_hands",
            "decide about lines that delete or copy images: they go on, and know nothing of nimwrap",
            tuple(hand.line.number for hand in plan.hands),
            tuple(f"line {hand.line.number} {hand.deed}: {hand.why}\n{hand.line.text.strip()}" for hand in plan.hands),
        )
    names = _names_to_check(plan, known)
    if names:
        seen = "no inventory knows them" if known.clients else "there is no inventory yet"
        yield Todo("names", f"check the names of clients ({seen}): nimwrap status --refresh", details=names)


def _names_to_check(plan: Plan, known: Known) -> tuple[str, ...]:
    """Clients that the schedules name and no inventory does; a glob means whoever there is."""
    named = dict.fromkeys(target for schedule in plan.schedules for target in schedule.targets)
    return tuple(name for name in named if name not in known.clients and set(name).isdisjoint("*?["))


def _at_the_end(plan: Plan, now: datetime) -> Iterator[Todo]:
    if not plan.understood:
        return
    yield Todo(
        "comment_out",
        "on the day that nimwrap takes over: comment these lines out (crontab -e; nimwrap edits no crontab)",
        tuple(each.line.number for each in plan.understood),
        tuple(f"# {each.line.text.strip()}" for each in plan.understood),
    )
    nights = sorted(filter(None, (_first(schedule, now) for schedule in plan.schedules)))
    yield Todo(
        "first_night",
        "watch the first night, and the morning after it: nimwrap status, nimwrap history --since 1d",
        details=tuple(f"{local_text(at)}: {name}" for at, name in nights),
    )


def _first(schedule: PlannedSchedule, now: datetime) -> tuple[datetime, str] | None:
    if schedule.timezone == UNSET_ZONE:
        return None
    at = next(wall_clock(schedule.cron, schedule.timezone).after(now), None)
    return (at, schedule.name) if at else None
