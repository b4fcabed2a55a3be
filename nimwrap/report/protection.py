"""Who is protected and who is not: the one place that status, Nagios, metrics, report and digest look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nimwrap.config.model import Config
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import ClientRef
from nimwrap.domain.verdict import SEVERITY, Facts, Judged, Verdict, inventory_fault, judge, worst
from nimwrap.history.read import Reader

Row = dict[str, Any]
NEXT_RUN_HORIZON = timedelta(days=62)
"""How far ahead a client's next run is looked for: two months cover every monthly schedule."""


@dataclass(frozen=True)
class ClientView:
    """One client with its verdict. ``row``: as the view ``fleet_status`` has it; ``hold``: its row, or None."""

    ref: ClientRef
    judged: Judged
    row: Row
    hold: Row | None
    next_run: datetime | None
    policy_max_age_s: int

    @property
    def cluster(self) -> str | None:
        return self.row["cluster"] or None

    @property
    def age_s(self) -> float | None:
        """Seconds since the last good image, as of the moment of judging; None without one."""
        age: float | None = self.row["age_s"]
        return age


@dataclass(frozen=True)
class Protection:
    """The whole site at one moment, the worst client first. ``faults``: of the site itself, in words."""

    at: datetime
    clients: tuple[ClientView, ...]
    faults: tuple[tuple[Verdict, str], ...]
    inventory_age_s: float | None

    @property
    def verdict(self) -> Verdict:
        return worst([*(client.judged.verdict for client in self.clients), *(verdict for verdict, _ in self.faults)])

    def count(self, verdict: Verdict) -> int:
        return sum(client.judged.verdict is verdict for client in self.clients)


def protection(config: Config, reader: Reader, now: datetime, *, max_age_s: int | None = None) -> Protection:
    """Judge every client known to NIM. ``max_age_s`` overrides the policy of all."""
    rows = reader.fleet()
    known: dict[str, list[str]] = {name: [] for name in config.masters}
    for row in rows:
        known.setdefault(row["master"], []).append(row["client"])
    slots, schedule_faults = _next_slots(config, known, now)
    holds = {ClientRef(hold["master"], hold["client"]): hold for hold in reader.holds(now)}
    changes = _open_changes(reader)
    faulty = {ClientRef(image["master"], image["client"]): image["fault"] for image in reader.faulty_images()}
    inventories = {row["master"]: row for row in reader.inventories()}
    clients = []
    for row in rows:
        ref = ClientRef(row["master"], row["client"])
        age = config.policy(ref.master, ref.client).max_age if max_age_s is None else max_age_s
        hold = holds.get(ref)
        facts = Facts(
            max_age_s=age,
            last_good=_time(row["last_good"]),
            last_good_warned=row["last_good_outcome"] == "warning",
            last_run=_time(row["last_started"]),
            last_outcome=row["last_outcome"],
            last_failure=row["failure_message"] or row["failure_code"] or "",
            held=hold["reason"] if hold else None,
            excluded=config.client(ref.master, ref.client).exclude,
            vanished=_time(row["vanished"]),
            scheduled=ref in slots if slots is not None else None,
            open_change=changes.get(ref),
            image_fault=faulty.get(ref),
            seen=bool(inventories.get(ref.master, {}).get("taken")),
        )
        good = facts.last_good
        row["age_s"] = (now - good).total_seconds() if good else None
        clients.append(ClientView(ref, judge(facts, now), row, hold, (slots or {}).get(ref), age))
    clients.sort(key=_worst_first)
    faults = [*schedule_faults, *_inventory_faults(config, inventories, now)]
    return Protection(now, tuple(clients), tuple(faults), _inventory_age(config, inventories, now))


def _worst_first(view: ClientView) -> tuple[int, str, float, str]:
    return (-SEVERITY[view.judged.verdict], view.cluster or "~", -(view.age_s or float("inf")), str(view.ref))


def _time(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None


def _next_slots(
    config: Config, known: Mapping[str, list[str]], now: datetime
) -> tuple[dict[ClientRef, datetime] | None, list[tuple[Verdict, str]]]:
    """The next due time of every client that some schedule covers; None when there are no schedules."""
    from nimwrap.fleet.targets import resolve
    from nimwrap.scheduling.files import load_schedules
    from nimwrap.scheduling.slots import upcoming

    try:
        schedules = load_schedules(config)
    except NimwrapError as error:
        return None, [(Verdict.CRITICAL, f"the schedules cannot be read: {error.message}")]
    if not schedules:
        return None, []
    found: dict[ClientRef, datetime] = {}
    faults = []
    for schedule in schedules.values():
        slot = next(upcoming(schedule, now, now + NEXT_RUN_HORIZON), None)
        try:
            refs = resolve(config, known, schedule.targets)
        except NimwrapError as error:
            faults.append((Verdict.CRITICAL, f"schedule {schedule.name}: {error.message}"))
            continue
        for ref in refs:
            if slot is not None:
                found[ref] = min(slot, found.get(ref, slot))
    return found, faults


def _open_changes(reader: Reader) -> dict[ClientRef, str]:
    """Per client, what is open of its export changes. A planned one whose run still lives is at work, not open."""
    found = {}
    for change in reader.open_changes():
        run = reader.run(change["run"])
        if run["outcome"] == "running" and change["state"] != "foreign":
            continue
        ref = ClientRef(run["master"], run["client"])
        found[ref] = f"the export of {change['directory']} is {change['state']} and not reverted (nimwrap exports list)"
    return found


def _inventory_faults(config: Config, inventories: Mapping[str, Row], now: datetime) -> list[tuple[Verdict, str]]:
    faults = []
    for master in config.masters:
        row = inventories.get(master)
        fault = inventory_fault(_time(row["taken"]) if row else None, now)
        if fault:
            why = f" ({row['error']})" if row and row["error"] else ""
            faults.append((Verdict.WARNING, f"the inventory of {master} is {fault}{why}; nimwrap status --refresh"))
    return faults


def _inventory_age(config: Config, inventories: Mapping[str, Row], now: datetime) -> float | None:
    """The age of the oldest inventory of the configured masters, None when one was never taken."""
    times = [_time((inventories.get(master) or {}).get("taken")) for master in config.masters]
    if not times or any(time is None for time in times):
        return None
    return max((now - time).total_seconds() for time in times if time is not None)
