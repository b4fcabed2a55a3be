"""The one-shot for a timer: everything that is due, to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.desk import Desk, refresh_inventories
from nimwrap.fleet.targets import unheard
from nimwrap.notify.after import notify_fleet, told_fleet
from nimwrap.scheduling.adopt import Recover, adopt, recover_master
from nimwrap.scheduling.crew import Crew, RunFleet, Worked
from nimwrap.scheduling.engine import Engine, Look, Opened, Passed, stranger
from nimwrap.scheduling.roster import clients_of, last_seen
from nimwrap.scheduling.schedule import Schedule
from nimwrap.scheduling.verifying import verify_due

LOOK_EVERY_S = 30.0
REST_S = 3600.0
"""A schedule that one call has begun rests this long in it: a cron of every minute must not make ``due`` a daemon."""


@dataclass(frozen=True)
class Missed:
    """A slot that a client missed. ``counts``: false where a newer slot stands for it, or nimwrap is new here."""

    schedule: str
    slot: datetime
    ref: ClientRef
    reason: str
    counts: bool = True


@dataclass
class DueReport:
    """What one ``due`` did: slots opened, batches worked, clients that came too late, masters that did not answer.

    ``said``: sentences about what an earlier process had left.
    """

    opened: list[Opened] = field(default_factory=list)
    worked: list[Worked] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add(self, look: Look) -> None:
        self.opened += look.opened
        self.passed += look.passed
        self.troubles += [error for error in look.troubles if error.message not in {e.message for e in self.troubles}]

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
            )
            for opened in self.opened
            if not opened.due.begins
            for ref in opened.refs
            if ref.client
        ]
        return whole + [Missed(each.schedule, each.slot, ref, each.reason) for each in self.passed for ref in each.refs]

    @property
    def strangers(self) -> list[ClientRef]:
        """Those in begun slots who are nobody's clients, or some master's of whom nobody knows the names."""
        begun = [ref for opened in self.opened if opened.due.begins for ref in opened.refs]
        return [ref for ref in begun if stranger(ref)]

    @property
    def faults(self) -> list[NimwrapError]:
        """What kept a master's clients from being known, or a fleet run from going on."""
        return [*self.troubles, *(worked.error for worked in self.worked if worked.error)]


def run_due(
    desk: Desk,
    schedules: Mapping[str, Schedule],
    *,
    fleet: RunFleet = told_fleet,
    recovering: Recover = recover_master,
    tell: Callable[[Look], None] = lambda look: None,
) -> DueReport:
    """Run what is due and what becomes due meanwhile, to the end of it or until the clock's ``stop`` is set.

    The timer does not start a second one while this works, so this must see to the other schedules as well. What an
    earlier process left is taken up first: a run that it had not really begun may be due again.
    """
    troubles = refresh_inventories(desk)
    if desk.clock.stop.is_set():
        return DueReport()
    left = {row["master"] for row in desk.reader.open_runs()} & set(desk.hosts)
    report = DueReport(said=adopt(desk, sorted(left), wait=False, recovering=recovering))
    crew = Crew(desk, fleet)
    engine = Engine(desk.store, desk.reader, lambda schedule: meant(desk, schedule, troubles))
    begun: dict[str, float] = {}
    while True:
        resting = {name for name, at in begun.items() if desk.clock.monotonic() - at < REST_S}
        if not crew.full and not desk.clock.stop.is_set():
            look = engine.look(schedules, desk.clock.now(), resting=resting)
            report.add(look)
            tell(look)
            for batch in look.batches:
                begun[batch.schedule.name] = desk.clock.monotonic()
                crew.start(batch)
        if not crew.running:
            if not report.worked and not desk.clock.stop.is_set():
                coming = min((next(each.clock.after(desk.clock.now())) for each in schedules.values()), default=None)
                report.said += verify_due(desk, coming)
            if not report.worked:  # a fleet run tells by itself; here something may have become overdue
                told = notify_fleet(desk.config, desk.store, desk.reader, [], desk.clock.now())
                report.said += [problem.message for problem in told]
            return report
        if worked := crew.next_ended(LOOK_EVERY_S):
            report.worked.append(worked)


def meant(desk: Desk, schedule: Schedule, troubles: Mapping[str, NimwrapError]) -> list[ClientRef]:
    """The clients of a schedule by the stored inventories; raises a master's trouble when nobody can say who.

    A master that could not be asked and of which no client is known is among them, with ``""`` for its clients.
    """
    known = last_seen(desk.config, desk.reader)
    refs = clients_of(desk.config, known, schedule)
    if not refs and troubles:
        raise next(iter(troubles.values()))
    strange = [master for master in troubles if not known[master]]
    return refs + [ClientRef(master, "") for master in unheard(desk.config, strange, schedule.targets)]
