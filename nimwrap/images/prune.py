"""Retention carried out: facts from NIM and the history, the pure decision, then one checked removal after another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from nimwrap.config.model import BackupPolicy, Config
from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.domain.names import fixed_name
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.retention import Action, Generation, KeepRules, decide, in_future
from nimwrap.history.model import ImageRow
from nimwrap.history.ports import Queries
from nimwrap.hosts.protocol import Host
from nimwrap.images import image_probe
from nimwrap.images.image_probe import Place
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.master_catalog import MasterState
from nimwrap.images.observed_state import observe
from nimwrap.images.removal import PLANNED, Ending, remove_image
from nimwrap.images.verification import file_fault, header_fault, host_fault, resource_fault
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext

Series = tuple[str, str, str, str]
"""Master, client, kind, and the name without its date where a kind is made several times of one client."""
NIGHT = timedelta(hours=18)
"""Retention after backups removes no more than a few images of a client within this time."""
_STAMP = re.compile(r"_\d{8}_\d{6}$")


@dataclass(frozen=True)
class PruneDecision:
    """One image's fate: ``keep`` or ``remove`` as decided, ``removed`` or ``failed`` once it was tried."""

    row: ImageRow
    action: str
    reason: str


def rules_of(policy: BackupPolicy) -> KeepRules:
    return KeepRules(policy.keep, policy.keep_weekly, policy.keep_monthly, policy.min_age)


def series_of(row: ImageRow) -> Series:
    """What is counted together: one client's images of one kind, and of one volume group where there are several."""
    return series(row.ref, row.kind, row.resource or PurePosixPath(row.location).stem)


def series(ref: ClientRef, kind: str, name: str) -> Series:
    """The series that an image with this name of its own belongs to."""
    return ref.master, ref.client, kind, _STAMP.sub("", name) if kind_of(kind).several else ""


def plan_prune(
    rows: Iterable[ImageRow],
    config: Config,
    held: frozenset[tuple[str, str]],
    state: MasterState,
    now: datetime,
    made_by: str | None = None,
) -> list[PruneDecision]:
    """Keep or remove for every image, by series. ``held``: (master, client) pairs under a hold; ``made_by``: the run
    that asks, whose own image stays whatever the dates say."""
    series: dict[tuple[str, str, str, str], list[ImageRow]] = {}
    for row in rows:
        series.setdefault(series_of(row), []).append(row)
    verdicts = []
    for (master, client, _, _), members in series.items():
        by_id = {row.id: row for row in members}
        is_held = (master, client) in held
        fixed = fixed_name(client) if config.policy(master, client).naming == "fixed" else None
        generations = [
            generation_of(row, state, held=is_held)._replace(
                named=fixed is not None and row.resource == fixed,
                just_made=made_by is not None and row.run == made_by,
            )
            for row in members
            if row.removal != PLANNED
        ]
        for decision in decide(generations, rules_of(config.policy(master, client)), state.earliest(now)):
            verdict = PruneDecision(by_id[decision.image.id], decision.action, decision.reason)
            verdicts.append(_kept(verdict, state.stopped) if state.stopped else verdict)
    return verdicts


def in_series(rows: Sequence[ImageRow], own: Series) -> Sequence[ImageRow]:
    """Those of one client's ``rows`` of one kind that belong to the series ``own``."""
    return [row for row in rows if series_of(row) == own] if own[3] else rows


def removed_after(
    rows: Iterable[ImageRow], policy: BackupPolicy, now: datetime, *, is_held: bool = False
) -> list[PruneDecision]:
    """What retention removes once a new image of the series that ``rows`` are is proven."""
    members = {row.id: row for row in rows if row.removal != PLANNED}
    if len(members) < policy.keep:
        return []  # whatever goes has as many newer ones as are kept
    fresh, nothing = Generation(max(members, default=0) + 1, now, held=is_held, just_made=True), MasterState({})
    generations = [*(generation_of(row, nothing, held=is_held) for row in members.values()), fresh]
    return [
        PruneDecision(members[decision.image.id], decision.action, decision.reason)
        for decision in decide(generations, rules_of(policy), now)
        if decision.action is Action.REMOVE
    ]


def generation_of(row: ImageRow, state: MasterState, *, held: bool) -> Generation:
    """One stored image as retention sees it."""
    known = state.resources.get(row.resource or "")
    outcome = Outcome.WARNING if row.outcome == Outcome.WARNING else Outcome.OK
    allocated = known is not None and (known.first("alloc_count") or "0") != "0"
    return Generation(
        row.id,
        parse_rfc3339(row.created),
        row.verified,
        outcome,
        row.managed,
        row.pinned,
        held,
        allocated,
        row.fault,
        machine=row.machine_id or "",
    )


def prune_clients(context: MasterContext, foreseen: Sequence[PruneDecision], now: datetime) -> list[PruneDecision]:
    """Remove what retention does not keep, client by client under its lock, where everything is read and decided anew.

    A client that somebody works on is left as it is.
    """
    done: list[PruneDecision] = []
    clients: dict[str, list[PruneDecision]] = {}
    for decision in foreseen:
        clients.setdefault(decision.row.client, []).append(decision)
    for client, members in clients.items():
        if all(decision.action == Action.KEEP for decision in members):
            done += members
            continue
        with client_locked(context, client, "prune") as locked:
            if isinstance(locked, Failure):
                done += [_kept(decision, locked.message) for decision in members]
                continue
            state = observe(locked, now, client)
            rows, held = context.queries.images(context.master.name, client), held_clients(context.queries, now)
            decided = plan_prune(rows, context.config, held, state, now)
            done += carry_out(locked, decided, now)
    return done


def _kept(decision: PruneDecision, why: str) -> PruneDecision:
    return decision if decision.action == Action.KEEP else replace(decision, action=Action.KEEP.value, reason=why)


def carry_out(context: MasterContext, verdicts: Sequence[PruneDecision], now: datetime) -> list[PruneDecision]:
    """Remove what was decided, series by series, each only after its newest good image was found on disk again.

    Whoever calls it holds the client's lock.
    """
    done: list[PruneDecision] = []
    series: dict[tuple[str, str, str, str], list[PruneDecision]] = {}
    for verdict in verdicts:
        series.setdefault(series_of(verdict.row), []).append(verdict)
    for members in series.values():
        reason = None
        if any(verdict.action == Action.REMOVE for verdict in members):
            reason = unconfirmed(context.host, members, now)
        for verdict in members:
            done.append(_one(context, verdict, reason, now))
    return done


def _one(context: MasterContext, verdict: PruneDecision, not_now: str | None, now: datetime) -> PruneDecision:
    if verdict.action != Action.REMOVE:
        return verdict
    if not_now:
        return replace(verdict, action=Action.KEEP.value, reason=not_now)
    removal = remove_image(context, verdict.row, verdict.reason, now)
    if removal.ending is Ending.REMOVED:
        return replace(verdict, action=Ending.REMOVED.value)
    action = Action.KEEP.value if removal.ending is Ending.LEFT else Ending.FAILED.value
    return replace(verdict, action=action, reason=removal.reason)


def unconfirmed(host: Host, members: Sequence[PruneDecision], now: datetime) -> str | None:
    """Why nothing may be removed now: the newest good image is not on the disk as it was recorded."""
    good = [
        each.row
        for each in members
        if each.action == Action.KEEP and each.row.verified and not each.row.fault and each.row.managed
    ]
    if not good:
        return "there is no good image to keep"
    newest = max(good, key=lambda row: (not in_future(parse_rfc3339(row.created), now), row.created, row.id))
    place = Place(kind_of(newest.kind), newest.location, newest.resource)
    seen = image_probe.seen(place, image_probe.ask(host, image_probe.questions(place)))
    fault = (
        file_fault(seen, place)
        or header_fault(seen, place, newest.size_bytes)
        or host_fault(seen, newest.node, newest.machine_id)
        or resource_fault(seen, place)
    )
    if fault is None and seen.size_bytes != newest.size_bytes:
        return f"the newest good image has {seen.size_bytes} bytes on disk, {newest.size_bytes} were recorded"
    return f"the newest good image could not be confirmed: {fault.message}" if fault else None


def held_clients(queries: Queries, now: datetime) -> frozenset[tuple[str, str]]:
    return frozenset((hold.master, hold.client) for hold in queries.holds(now))


def apply_retention(
    context: MasterContext, client: str, kind: str, now: datetime, *, made_by: str | None = None
) -> list[PruneDecision]:
    """Retention of one client and kind right after the backup ``made_by``, whose caller holds the client's lock.

    Empty, without a round trip, when nothing is due to go.
    """
    rows = context.queries.images(context.master.name, client, kind=kind)
    held = held_clients(context.queries, now)
    foreseen = plan_prune(rows, context.config, held, MasterState({}), now, made_by)
    if all(verdict.action == Action.KEEP for verdict in foreseen):
        return []
    state = observe(context, now, client)
    rows = context.queries.images(context.master.name, client, kind=kind)
    verdicts = plan_prune(rows, context.config, held, state, now, made_by)
    return carry_out(context, _of_one_night(context, verdicts, now), now)


def _of_one_night(context: MasterContext, verdicts: list[PruneDecision], now: datetime) -> list[PruneDecision]:
    """No more removals than new images drive, and one: a wrong rule, clock or history must not empty a client at once.

    What is left over goes in the next nights, the oldest first; whoever wants it sooner says `nimwrap images prune`.
    """
    tonight = rfc3339(now - NIGHT)
    done: list[PruneDecision] = []
    left: dict[Series, int] = {}
    for verdict in reversed(verdicts):  # the oldest first
        own = series_of(verdict.row)
        if own not in left:
            rows = context.queries.images(verdict.row.master, verdict.row.client, kind=verdict.row.kind, removed=True)
            ours = [row for row in rows if row.managed and series_of(row) == own]
            made = sum(row.created > tonight for row in ours)
            left[own] = max(made, 1) + 1 - sum((row.removed or "") > tonight for row in ours)
        if verdict.action == Action.REMOVE:
            left[own] -= 1
        over = verdict.action == Action.REMOVE and left[own] < 0
        done.append(_kept(verdict, "enough were removed this night; it goes in the next ones") if over else verdict)
    return done[::-1]
