"""The questions that verbs, scheduler, report and notifications ask of the history. Rows come as stored.

Every query goes by an index and none grows with the number of runs (``benchmarks/history_queries.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimwrap.domain.durations import rfc3339
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.target_names import matches
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.drill_row import DrillRow
from nimwrap.history.event_row import ActRow, EventRow
from nimwrap.history.master_rows import LeftExportRow, RemovalStop
from nimwrap.history.model import (
    AttemptRow,
    ChangeRow,
    ClientRow,
    FindingRow,
    FleetRow,
    HoldRow,
    ImageRow,
    InventoryRow,
    LastGoodRow,
    RunRow,
    SlotRow,
)
from nimwrap.history.sqlite.acts import ACTS
from nimwrap.history.sqlite.connection import Make, T, select
from nimwrap.history.sqlite.event_chain import EVERY_EVENT, chain_faults
from nimwrap.history.sqlite.lookup import find_run, stored_run
from nimwrap.history.sqlite.recent_runs import Filter, newest_runs
from nimwrap.history.sqlite.set_queries import SetQueries

if TYPE_CHECKING:
    from nimwrap.domain.records import ClientRef  # loaded when needed: its module costs a tenth of `nimwrap history`
    from nimwrap.history.sqlite.parallel_memory import Hour, WriteRate

_RUNS = select(RunRow._fields, "runs")
_ATTEMPTS = select(AttemptRow._fields, "attempts")
_FINDINGS = select(FindingRow._fields, "findings")
_EVENTS = select(EventRow._fields, "events")
_CHANGES = select(ChangeRow._fields, "export_changes")
_COPIES = select(CopyRow._fields, "copies")
_DRILLS = select(DrillRow._fields, "drills")
_CLIENTS = select(ClientRow._fields, "clients")
_INVENTORIES = select(InventoryRow._fields, "inventories")
_HOLDS = select(HoldRow._fields, "holds")
_SLOTS = select(SlotRow._fields, "slots")
_FLEET = select(FleetRow._fields[:-1], "fleet_status")
_LAST_GOOD = select(LastGoodRow._fields, "last_good")
_IMAGES = select(ImageRow._fields, "images")
_LEFT = select(LeftExportRow._fields, "exports_left")
_STOPS = select(RemovalStop._fields, "removal_stops")
_EVER = ""  # before every RFC 3339 text
_NEVER = "9999"  # after every one


class Reader(SetQueries):
    """The history, open for reading; empty as long as there is no database."""

    @classmethod
    def open(cls, path: Path) -> Reader:
        """Open ``path``, which need not exist. StoreUnavailable when it cannot be read or is another user's."""
        return cls(path)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- runs

    def runs(
        self,
        targets: Iterable[str | ClientRef] = (),
        *,
        since: datetime | None = None,
        outcomes: Sequence[str] = (),
        code: str = "",
        limit: int | None = None,
    ) -> list[RunRow]:
        """Runs, newest first. A target is a client, ``master/client`` or a glob of either; none means all."""
        wanted = list(targets)
        refs: dict[ClientRef, None] | None = None
        if wanted:
            refs = {target: None for target in wanted if not isinstance(target, str)}
            refs |= dict.fromkeys(self.matching(target for target in wanted if isinstance(target, str)))
        after = rfc3339(since) if since else _EVER
        chosen = None if refs is None else list(refs)
        return newest_runs(self, chosen, Filter(after, outcomes, code), limit)

    def run(self, text: str) -> RunRow:
        """The run whose id is ``text`` or begins with it; a usage error naming the nearest ids otherwise."""
        return find_run(self, text)

    def stored_run(self, run: str) -> RunRow | None:
        """The run with exactly this id, None when there is none: for programs, as :meth:`run` is for people."""
        return stored_run(self, run)

    def runs_by_id(self, ids: Sequence[str]) -> list[RunRow]:
        """These runs, in the order given; ids without a row are left out."""
        found = {row.id: row for row in self._among(RunRow.from_row, f"{_RUNS} where id in ({{}})", ids)}
        return [found[run] for run in ids if run in found]

    def open_runs(self, master: str | None = None) -> list[RunRow]:
        """Runs that have not ended, oldest first."""
        if master is None:
            return self.records(RunRow.from_row, f"{_RUNS} where outcome = 'running' order by started, rowid")
        sql = f"{_RUNS} where outcome = 'running' and master = ? order by started, rowid"
        return self.records(RunRow.from_row, sql, (master,))

    def last_runs(self, master: str, client: str, limit: int = 1) -> list[RunRow]:
        """The newest runs of one client, newest first, whatever came of them."""
        sql = f"{_RUNS} where master = ? and client = ? order by started desc, rowid desc limit ?"
        return self.records(RunRow.from_row, sql, (master, client, limit))

    def findings(self, run: str) -> list[FindingRow]:
        return self.records(FindingRow.from_row, f"{_FINDINGS} where run = ? order by id", (run,))

    def attempts(self, runs: Sequence[str]) -> list[AttemptRow]:
        """The attempts of these runs, each run's in their order."""
        return self._among(AttemptRow.from_row, f"{_ATTEMPTS} where run in ({{}}) order by run, number", runs)

    def events(self, run: str) -> list[EventRow]:
        """What was noted of a run, in the order it was written: commands with their output, phases, warnings."""
        return self.records(EventRow.from_row, f"{_EVENTS} where run = ? order by id", (run,))

    def noted(self, kind: str, since: datetime) -> list[EventRow]:
        """Events of one kind, of whatever run or master, not before ``since``, the oldest first."""
        return self.records(
            EventRow.from_row, f"{_EVENTS} where kind = ? and at >= ? order by at, id", (kind, rfc3339(since))
        )

    def acts(self, since: datetime) -> list[ActRow]:
        """Everything that somebody had done since then, the newest first."""
        return self.records(ActRow.from_row, ACTS, (rfc3339(since),) * 3)

    def altered_events(self, newest: int = EVERY_EVENT) -> list[str]:
        """Where the table of events, or its newest rows, are not what was written, in words."""
        return list(chain_faults(self, newest))

    def end_of_events(self) -> tuple[int, str]:
        """Number and hash of the newest event."""
        number, digest = next(self.each("select last, hash from event_chain"), (0, ""))
        return int(number), str(digest)

    def drills_since(self, since: datetime) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns of ``drills``, and its rows since then, where this history has such a table."""
        columns = [name for (name,) in self.each("select name from pragma_table_info('drills')")]
        when = next((name for name in ("started", "begun", "at") if name in columns), None)
        if when is None:
            return columns, []
        return columns, list(self.each(f"select * from drills where {when} >= ? order by {when}", (rfc3339(since),)))

    def learned_hours(self, master: str) -> list[Hour]:
        """What is remembered of how many images at once a master carries, by weekday and hour, the newest first."""
        from nimwrap.history.sqlite.parallel_memory import hours_of

        return hours_of(self, master)

    def learned_rates(self, master: str, since: datetime, until: datetime) -> list[WriteRate]:
        """What a master wrote between two moments while its number of images at once was learned, the oldest first."""
        from nimwrap.history.sqlite.parallel_memory import rates_of

        return rates_of(self, master, since, until)

    def parallel_changes(self, master: str, since: str, until: str | None) -> list[EventRow]:
        """Each change of how many images a master makes at once, between two moments, and the last one before."""
        of = f"{_EVENTS} where kind = 'parallel' and master = ?"
        before = self.records(EventRow.from_row, f"{of} and at < ? order by at desc, id desc limit 1", (master, since))
        within = f"{of} and at >= ? and at <= ? order by at, id"
        return before + self.records(EventRow.from_row, within, (master, since, until or _NEVER))

    # --- what backups of a client were like

    def durations(self, master: str, client: str, kind: str = PLAIN_KIND, limit: int = 10) -> list[float]:
        """Seconds that the last runs which made an image of this kind took, newest first."""
        sql = (
            "select duration_s from runs where master = ? and client = ? and kind = ? and outcome in ('ok', 'warning')"
            " and duration_s is not null order by started desc limit ?"
        )
        return [took for (took,) in self.each(sql, (master, client, kind, limit))]

    def sizes(self, master: str, client: str, kind: str = PLAIN_KIND, limit: int = 10) -> list[int]:
        """Bytes of the last proven images, newest first, also of those that are gone."""
        sql = (
            "select size_bytes from images where master = ? and client = ? and kind = ? and verified = 1"
            " order by created desc, id desc limit ?"
        )
        return [size for (size,) in self.each(sql, (master, client, kind, limit))]

    def remedies_proven(self, master: str) -> tuple[str, ...]:
        """Remedies that let a client of this master in and ended with an image, the latest success first."""
        sql = (
            "select remedy, max(started) as latest from runs where master = ? and remedy is not null"
            " and outcome in ('ok', 'warning') group by remedy order by latest desc"
        )
        return tuple(remedy for remedy, _ in self.each(sql, (master,)))

    def routes(self, master: str) -> dict[str, str]:
        """The ways from this master to its clients, as they were last found out."""
        return dict(self.each("select client, route from channels where master = ? order by client", (master,)))

    def known_route(self, master: str, client: str, since: datetime) -> str:
        """The way to the client as it was found out since then; empty when it was not."""
        sql = "select route from channels where master = ? and client = ? and found >= ?"
        return str(self.value(sql, (master, client, rfc3339(since))) or "")

    def job_ways(self, master: str, since: datetime) -> dict[str, bool]:
        """Ways to start a job on this master's clients, and whether it was lost, as seen since then."""
        sql = "select way, lost from job_ways where master = ? and seen >= ? order by seen desc"
        return {way: bool(lost) for way, lost in self.each(sql, (master, rfc3339(since)))}

    # --- exports and images

    def open_changes(self, master: str | None = None) -> list[ChangeRow]:
        """Export changes in force, planned or foreign, by master, oldest first."""
        states = "state in ('planned', 'applied', 'foreign')"
        if master is None:
            return self.records(ChangeRow.from_row, f"{_CHANGES} where {states} order by master, id")
        return self.records(ChangeRow.from_row, f"{_CHANGES} where {states} and master = ? order by id", (master,))

    def changes(self, *, run: str | None = None, limit: int | None = None) -> list[ChangeRow]:
        """The journal of export changes: of one run in order, or the newest of all first."""
        if run is not None:
            return self.records(ChangeRow.from_row, f"{_CHANGES} where run = ? order by id", (run,))
        sql = f"{_CHANGES} where id > 0 order by id desc limit ?"
        return self.records(ChangeRow.from_row, sql, (-1 if limit is None else limit,))

    def images(
        self, master: str | None = None, client: str | None = None, *, kind: str | None = None, removed: bool = False
    ) -> list[ImageRow]:
        """Images by client, newest first; those that are gone only when ``removed`` is asked for."""
        where = {"master": master, "client": client, "kind": kind}
        terms = [f"{name} = ?" for name, value in where.items() if value is not None]
        if not removed:
            terms.append("removed is null")
        condition = "where " + " and ".join(terms) if terms else ""
        sql = f"{_IMAGES} {condition} order by master, client, kind, created desc, id desc"
        return self.records(ImageRow.from_row, sql, [value for value in where.values() if value is not None])

    def copies(self, master: str | None = None, client: str | None = None) -> list[CopyRow]:
        """Copies that are there or were tried, by client and name, the newest first."""
        where = {"master": master, "client": client}
        terms = ["removed is null", *(f"{name} = ?" for name, value in where.items() if value is not None)]
        sql = f"{_COPIES} where {' and '.join(terms)} order by master, client, name, image desc"
        return self.records(CopyRow.from_row, sql, [value for value in where.values() if value is not None])

    def last_drills(self) -> list[DrillRow]:
        """Of each client the last drill that has ended."""
        newest = (
            "select (select d.id from drills d where d.master = c.master and d.client = c.client"
            " and d.ended is not null order by d.begun desc, d.id desc limit 1)"
            " from (select distinct master, client from drills) c"
        )
        return self.records(DrillRow.from_row, f"{_DRILLS} where id in ({newest}) order by master, client")

    def drills_left(self, master: str) -> list[DrillRow]:
        """Drills of which something may still be there, the oldest first."""
        return self.records(DrillRow.from_row, f"{_DRILLS} where master = ? and cleared is null order by id", (master,))

    def faulty_images(self) -> list[ImageRow]:
        """Images that are still there, and in which something wrong was found since they were made."""
        sql = f"{_IMAGES} where fault is not null and removed is null order by master, client, id"
        return self.records(ImageRow.from_row, sql)

    def images_dated_after(self, moment: datetime) -> list[ImageRow]:
        """Images that are still there and that are said to have been made after ``moment``."""
        sql = f"{_IMAGES} where created > ? and removed is null order by master, client, id"
        return self.records(ImageRow.from_row, sql, (rfc3339(moment),))

    def removal_stop(self, master: str) -> RemovalStop | None:
        """The last stop of removals on this master, also one that a person has ended since."""
        return self.record(RemovalStop.from_row, f"{_STOPS} where master = ?", (master,))

    def left_exports(self) -> list[LeftExportRow]:
        """What masters exported without a reason when they were looked at last."""
        return self.records(LeftExportRow.from_row, f"{_LEFT} order by master, directory")

    def images_by_id(self, ids: Sequence[int]) -> list[ImageRow]:
        return self._among(ImageRow.from_row, f"{_IMAGES} where id in ({{}})", ids)

    def image_at(self, master: str, location: str) -> ImageRow | None:
        """The image that lies at a place now."""
        sql = f"{_IMAGES} where master = ? and location = ? and removed is null"
        return self.record(ImageRow.from_row, sql, (master, location))

    def last_good(self, master: str, client: str, kind: str = PLAIN_KIND) -> LastGoodRow | None:
        """The newest proven image that is still there and without fault; its ``outcome`` may be ``warning``."""
        sql = f"{_LAST_GOOD} where master = ? and client = ? and kind = ?"
        return self.record(LastGoodRow.from_row, sql, (master, client, kind))

    # --- clients, holds, schedules

    def fleet(self) -> list[FleetRow]:
        """Every client known to NIM with its last good image, last run and hold: the view ``fleet_status``."""
        return self.records(FleetRow.from_row, f"{_FLEET} order by master, client")

    def clients(self, master: str | None = None) -> list[ClientRow]:
        """Clients as the inventories list them, with those that vanished (``vanished`` says when)."""
        if master is None:
            return self.records(ClientRow.from_row, f"{_CLIENTS} order by master, name")
        return self.records(ClientRow.from_row, f"{_CLIENTS} where master = ? order by name", (master,))

    def inventories(self) -> list[InventoryRow]:
        """When each master was last asked for its clients (``tried``), and last answered (``taken``)."""
        return self.records(InventoryRow.from_row, f"{_INVENTORIES} order by master")

    def holds(self, at: datetime | None = None) -> list[HoldRow]:
        """Holds that stand; with ``at`` without those that end by then."""
        now = rfc3339(at) if at else _EVER
        sql = f"{_HOLDS} where released is null and (until is null or until > ?) order by master, client"
        return self.records(HoldRow.from_row, sql, (now,))

    def slots(self, *, since: datetime | None = None, states: Sequence[str] = ()) -> list[SlotRow]:
        """Slots by their due time, oldest first."""
        after = rfc3339(since) if since else _EVER
        if not states:
            return self.records(SlotRow.from_row, f"{_SLOTS} where slot >= ? order by slot, id", (after,))
        sql = f"{_SLOTS} where state = ? and slot >= ? order by slot, id"
        found = [row for state in states for row in self.records(SlotRow.from_row, sql, (state, after))]
        return sorted(found, key=lambda row: (row.slot, row.id))

    def known(self) -> list[ClientRef]:
        """Every client that has a run, an image that is there, or a place in an inventory, in order."""
        from nimwrap.domain.ref import ClientRef

        # Two index steps for each client, however many runs it has (a plain "distinct" reads them all).
        sql = """
            with recursive k(master, client) as (
              select * from (select master, client from runs order by master, client limit 1)
              union all
              select r.master, r.client from k join runs r on r.rowid = coalesce(
                (select n.rowid from runs n where n.master = k.master and n.client > k.client
                 order by n.client limit 1),
                (select n.rowid from runs n where n.master > k.master order by n.master, n.client limit 1)))
            select master, client from k union select master, name from clients
            union select master, client from images where removed is null order by 1, 2"""
        return [ClientRef(master, client) for master, client in self.each(sql)]

    def matching(self, patterns: Iterable[str]) -> list[ClientRef]:
        """The known clients that a client name, ``master/client`` or a glob of either means."""
        wanted = list(patterns)
        if not wanted:
            return []
        return [ref for ref in self.known() if any(matches(pattern, ref) for pattern in wanted)]

    def integrity(self) -> str:
        """What SQLite's own quick check of the file says: ``ok``, or the first fault."""
        return str(self.value("pragma quick_check(1)"))

    def _among(self, make: Make[T], sql: str, values: Sequence[str] | Sequence[int]) -> list[T]:
        found: list[T] = []
        for start in range(0, len(values), 500):  # SQLite binds at most 999 values on old builds
            part = values[start : start + 500]
            found += self.records(make, sql.format(",".join("?" * len(part))), part)
        return found
