"""The one-shot for a timer: everything that is due, to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from nimwrap.clients.blackouts import blackout_of
from nimwrap.clients.known_clients import current_clients
from nimwrap.clients.selection import select
from nimwrap.domain.codes import SET_ASIDE, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import ClientRef, Run
from nimwrap.fleet.session import Session, refresh_inventories
from nimwrap.scheduling.batch_workers import BatchResult, BatchWorkers, RunFleet
from nimwrap.scheduling.claims import ClaimResult, MissedSlot, OpenedSlot, SlotClaimer, unresolved_target
from nimwrap.scheduling.drills_due import verify_and_drill
from nimwrap.scheduling.forecast import foretell, waiting_for_latest
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.nightly_kit import keep_kits
from nimwrap.scheduling.resume_orphans import Recover, adopt, recover_master
from nimwrap.scheduling.schedule_clients import rows_of_selection

LOOK_EVERY_S = 30.0
REST_S = 3600.0
"""A schedule that one call has begun rests this long in it: a cron of every minute must not make ``due`` a daemon."""


@dataclass(frozen=True)
class Missed:
    """A slot that a client missed, or that was skipped for it on purpose (``state``). ``counts``: false where a newer
    slot stands for it, or nimwrap is new here."""

    schedule: str
    slot: datetime
    ref: ClientRef
    reason: str
    counts: bool = True
    state: str = "missed"


@dataclass
class DueReport:
    """What one ``due`` did: slots opened, batches worked, clients that came too late, masters that did not answer.

    ``said``: sentences about what an earlier process had left.
    """

    opened: list[OpenedSlot] = field(default_factory=list)
    worked: list[BatchResult] = field(default_factory=list)
    passed: list[MissedSlot] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add(self, look: ClaimResult) -> None:
        self.opened += look.opened
        self.passed += look.passed
        self.troubles += [error for error in look.troubles if error not in self.troubles]

    @property
    def missed(self) -> list[Missed]:
        """Every slot that was not begun for a client, with the reason that stands in the history."""
        begun = {opened.schedule for opened in self.opened if opened.due.begins}
        whole = [
            Missed(
                opened.schedule,
                opened.due.slot,
                ref,
                opened.due.reason or "",
                opened.due.known and opened.schedule not in begun,
                opened.due.state,
            )
            for opened in self.opened
            if not opened.due.begins
            for ref in opened.refs
            if ref.client
        ]
        return whole + [
            Missed(each.schedule, each.slot, ref, each.reason, state=each.state)
            for each in self.passed
            for ref in each.refs
        ]

    @property
    def without_clients(self) -> list[OpenedSlot]:
        """Slots that came while nimwrap watched, and whose targets match nobody."""
        return [opened for opened in self.opened if opened.for_nobody and opened.due.known]

    @property
    def set_aside(self) -> list[BatchResult]:
        """Slots in which nobody was backed up because everybody is held or excluded."""
        return [worked for worked in self.worked if not worked.error and all_set_aside(worked.runs)]

    @property
    def unresolved(self) -> list[ClientRef]:
        """Those in begun slots who are nobody's clients, or some master's of whom nobody knows the names."""
        begun = [ref for opened in self.opened if opened.due.begins for ref in opened.refs]
        return [ref for ref in begun if unresolved_target(ref)]

    @property
    def faults(self) -> list[NimwrapError]:
        """What kept a master's clients from being known, or a fleet run from going on."""
        return [*self.troubles, *(worked.error for worked in self.worked if worked.error)]


def all_set_aside(runs: Sequence[Run]) -> bool:
    """Whether none of a slot's clients was to be backed up: a hold, or the configuration, keeps all of them out."""
    return all(
        run.outcome is Outcome.SKIPPED and run.failure is not None and run.failure.code in SET_ASIDE for run in runs
    )


def run_due(
    session: Session,
    schedules: Mapping[str, Schedule],
    *,
    fleet: RunFleet,
    recovering: Recover = recover_master,
    tell: Callable[[ClaimResult], None] = lambda look: None,
) -> DueReport:
    """Run what is due and what becomes due meanwhile, to the end of it or until the clock's ``stop`` is set.

    The timer does not start a second one while this works, so this must see to the other schedules as well. What an
    earlier process left is taken up first: a run that it had not really begun may be due again.
    """
    troubles = refresh_inventories(session)
    if session.clock.stop.is_set():
        return DueReport()
    left = {row.master for row in session.reader.open_runs()} & set(session.hosts)
    report = DueReport(said=adopt(session, sorted(left), wait=False, recovering=recovering))
    workers = BatchWorkers(session, fleet)
    engine = SlotClaimer(session.slots, lambda schedule: meant(session, schedule, troubles))
    engine.wait_s = waiting_for_latest(session.config, session.reader)
    engine.blackout = partial(blackout_of, session.config)
    begun: dict[str, float] = {}
    while True:
        resting = {name for name, at in begun.items() if session.clock.monotonic() - at < REST_S}
        if not workers.full and not session.clock.stop.is_set():
            look = engine.claim_due(schedules, session.clock.now(), resting=resting)
            report.add(look)
            tell(look)
            for batch in look.batches:
                begun[batch.schedule.name] = session.clock.monotonic()
                workers.start(batch)
        if not workers.running:
            if not report.worked and not session.clock.stop.is_set():
                coming = min((next(each.clock.after(session.clock.now())) for each in schedules.values()), default=None)
                report.said += verify_and_drill(session, coming)
                report.said += foretell(session, schedules)
            report.said += keep_kits(session)
            return report
        if worked := workers.next_ended(LOOK_EVERY_S):
            report.worked.append(worked)


def meant(session: Session, schedule: Schedule, troubles: Mapping[str, NimwrapError]) -> list[ClientRef]:
    """The clients of a schedule by the stored inventories; raises a master's trouble when nobody can say who.

    A master that could not be asked and of which no client is known is among them, with ``""`` for its clients.
    """
    known = current_clients(session.config, session.reader, troubles)
    selection = select(schedule.targets, known, session.config.groups)
    refs = rows_of_selection(session.config, selection)
    if not refs and troubles:
        raise next(iter(troubles.values()))
    return refs + [ClientRef(master, "") for master in selection.unreachable_masters]
