"""Questions about many clients at once: each is one query, however many clients there are.

The clients are bound as the rows of a common table ``w``; what is asked of each goes by an index, so that nothing grows
with the number of runs but what is counted over all of them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.ref import Key
from nimwrap.history.model import (
    AttemptRow,
    ImageRow,
    ImageSeries,
    LastGoodRow,
    MachineImages,
    MissedSlot,
    RunRow,
    SpaceMeasured,
)
from nimwrap.history.sqlite.connection import ReadOnly, select

Span = tuple[datetime, datetime]
"""From, and up to but not including."""

_RUNS = select(RunRow._fields, "runs")
_ATTEMPTS = select(AttemptRow._fields, "attempts")
_LAST_GOOD = select(LastGoodRow._fields, "last_good")
_NEWEST = "order by started desc, rowid desc limit ?"
_PROVEN = (
    "select size_bytes, created from images where master = w.master and client = w.client and kind = ?"
    " and verified = 1 and size_bytes >= 0 order by created desc, id desc limit ?"
)
_OF_NIGHT = "started >= ? and started < ? and outcome <> 'skipped' order by started limit ?"
_FIRST_LOOK = (
    "(select first.claimed from slots first where first.schedule = slots.schedule order by first.slot limit 1)"
)
"""When nimwrap first saw the schedule of a slot: what was missed until then is nobody's fault."""


def _listed(column: str, rows: str) -> str:
    """One column of some rows as one value."""
    return f"(select group_concat({column}) from ({rows}))"


def _numbers(text: str) -> list[int]:
    return list(map(int, text.split(",")))


class SetQueries(ReadOnly):
    """What reports and verdicts ask of all clients together."""

    # --- nights

    def outcomes_in(self, spans: Sequence[Span]) -> list[dict[str, int]]:
        """For each span how many runs began in it, by their outcome."""
        outcomes = ", ".join(f"('{outcome}')" for outcome in Outcome)
        sql = (  # a range of an index for each: to sort all runs by outcome takes ten times as long
            ", o(outcome) as (values {outcomes}) select w.number, o.outcome, (select count(*) from runs"
            " where outcome = o.outcome and started >= begins and started < ends) from w cross join o"
        )
        found: list[dict[str, int]] = [{} for _ in spans]
        for number, outcome, count in self._in_spans(spans, sql.format(outcomes=outcomes)):
            if count:
                found[number][outcome] = count
        return found

    def missed_in(self, spans: Sequence[Span]) -> list[int]:
        """For each span how many clients missed a slot of it."""
        sql = (
            " select w.number, count(*) from w join slots on state = 'missed' and slot >= begins and slot < ends"
            f" where slots.client <> '' and slots.slot > {_FIRST_LOOK} group by 1"
        )
        found = dict(self._in_spans(spans, sql))
        return [found.get(number, 0) for number in range(len(spans))]

    def first_start(self) -> str | None:
        """When the oldest run began."""
        first: str | None = self.value("select started from runs order by started limit 1")
        return first

    def last_start(self) -> str | None:
        """When the newest run began that was not left out on purpose."""
        last: str | None = self.value(
            "select started from runs where outcome <> 'skipped' order by started desc limit 1"
        )
        return last

    def runs_in(self, span: Span, limit: int) -> list[RunRow]:
        """The first runs of a span in the order they began, without those left out on purpose."""
        bound = (rfc3339(span[0]), rfc3339(span[1]), limit)
        return self.records(RunRow.from_row, f"{_RUNS} where {_OF_NIGHT}", bound)

    def attempts_in(self, span: Span, limit: int) -> list[AttemptRow]:
        """The attempts of these runs, each run's in their order."""
        sql = f"{_ATTEMPTS} where run in (select id from runs where {_OF_NIGHT}) order by run, number"
        return self.records(AttemptRow.from_row, sql, (rfc3339(span[0]), rfc3339(span[1]), limit))

    # --- failures and remedies

    def failure_counts(self, since: datetime | None = None) -> dict[str, int]:
        """Runs by their failure code."""
        sql = "select failure_code, count(*) from runs where failure_code is not null and started >= ? group by 1"
        return dict(self.each(sql, (rfc3339(since) if since else "",)))

    def failed_runs(self, since: datetime, most: int) -> list[RunRow]:
        """The newest ``most`` runs of each failure code, newest first."""
        sql = (
            f"{_RUNS} where rowid in (select rowid from (select rowid, row_number() over"
            " (partition by failure_code order by started desc) as place from runs"
            " where failure_code is not null and started >= ?) where place <= ?) order by started desc, rowid desc"
        )
        return self.records(RunRow.from_row, sql, (rfc3339(since), most))

    def remedy_counts(self) -> dict[Key, int]:
        """By master and remedy, the runs whose image it made possible."""
        sql = (
            "select master, remedy, count(*) from runs where remedy is not null and outcome in ('ok', 'warning')"
            " group by master, remedy"
        )
        return {(master, remedy): count for master, remedy, count in self.each(sql)}

    # --- the last of each client

    def image_series_of(self, keys: Sequence[Key], kind: str, most: int) -> dict[Key, ImageSeries]:
        """The last proven images of each client, newest first; who has none is left out."""
        told = _listed("size_bytes || ',' || strftime('%s', created)", _PROVEN)
        found = self._of_each(keys, f"select master, client, {told} from w", (kind, most))
        both = {(master, client): _numbers(values) for master, client, values in found if values}
        return {key: ImageSeries(values[::2], values[1::2]) for key, values in both.items()}

    def durations_of(self, keys: Sequence[Key], kind: str, most: int) -> dict[Key, list[int]]:
        """Seconds that each client's last runs took that made an image, newest first; who has none is left out."""
        made = (
            "select cast(round(duration_s) as integer) as took from runs where master = w.master and client = w.client"
            " and kind = ? and outcome in ('ok', 'warning') and duration_s is not null order by started desc limit ?"
        )
        found = self._of_each(keys, f"select master, client, {_listed('took', made)} from w", (kind, most))
        return {(master, client): _numbers(took) for master, client, took in found if took}

    def images_of(self, keys: Sequence[Key], kind: str) -> dict[Key, list[ImageRow]]:
        """The images of each client that are there, newest first."""
        sql = (
            f"select {', '.join(f'images.{name}' for name in ImageRow._fields)} from w cross join images"
            " indexed by images_present on images.master = w.master and images.client = w.client and images.kind = ?"
            " and removed is null"
        )
        found: dict[Key, list[ImageRow]] = {}
        for values in self._of_each(keys, sql, (kind,)):
            image = ImageRow.from_row(values)
            found.setdefault(image.key, []).append(image)
        for images in found.values():  # a few each: cheaper than to have all of them sorted together
            images.sort(key=lambda image: (image.created, image.id), reverse=True)
        return found

    def bad_runs_of(self, keys: Sequence[Key], most: int) -> dict[Key, int]:
        """How many of each client's last ``most`` runs failed or were refused."""
        oldest = "select started from runs where master = w.master and client = w.client order by started desc"
        sql = (
            "select master, client, (select count(*) from runs where master = w.master and client = w.client"
            f" and outcome in ('failed', 'refused') and started >= coalesce(({oldest} limit 1 offset ?), '')) from w"
        )
        return {(master, client): count for master, client, count in self._of_each(keys, sql, (most - 1,))}

    def last_runs_of(self, keys: Sequence[Key], most: int) -> dict[Key, list[RunRow]]:
        """The newest runs of each client, newest first, whatever came of them."""
        sql = (
            f"select {', '.join(f'runs.{name}' for name in RunRow._fields)} from w join runs on runs.rowid in"
            f" (select rowid from runs where master = w.master and client = w.client {_NEWEST})"
            " order by started desc, runs.rowid desc"
        )
        found: dict[Key, list[RunRow]] = {}
        for values in self._of_each(keys, sql, (most,)):
            run = RunRow.from_row(values)
            found.setdefault(run.key, []).append(run)
        return found

    def last_good_of(self, keys: Sequence[Key]) -> dict[tuple[str, str, str], LastGoodRow]:
        """By master, client and kind, the newest proven image of each that is still there."""
        sql = f"{_LAST_GOOD} join w on w.master = last_good.master and w.client = last_good.client"
        rows = map(LastGoodRow.from_row, self._of_each(keys, sql, ()))
        return {(row.master, row.client, row.kind): row for row in rows}

    def runs_that_saw_a_cluster(self) -> list[RunRow]:
        """Of each client of a cluster, the newest of its last three runs that saw it."""
        sql = (
            f"{_RUNS} join clients c on runs.rowid = (select x.id from (select l.rowid as id, l.cluster from runs l"
            " where l.master = c.master and l.client = c.name order by l.started desc, l.rowid desc limit 3) x"
            " where x.cluster is not null limit 1) where c.cluster is not null"
        )
        return self.records(RunRow.from_row, sql)

    def space_measured(self) -> list[SpaceMeasured]:
        """What the last run of each client measured of the filesystem of its images, the newest last."""
        sql = (
            "select c.master, r.started, f.data from clients c join runs r on r.rowid = (select l.rowid from runs l"
            " where l.master = c.master and l.client = c.name order by l.started desc, l.rowid desc limit 1)"
            " join findings f on f.run = r.id and f.\"check\" = 'space' and f.data is not null order by r.started"
        )
        found = ((master, started, json.loads(data)) for master, started, data in self.records(tuple, sql))
        return [
            SpaceMeasured(master, started, data["mounted_on"], data["free_bytes"]) for master, started, data in found
        ]

    # --- schedules

    def has_slots(self, since: datetime) -> bool:
        """Whether a slot of any schedule came since then."""
        return self.value("select 1 from slots where slot >= ? limit 1", (rfc3339(since),)) is not None

    def missed_slots(self, since: datetime) -> list[MissedSlot]:
        """By client and state, the newest slot since then that was missed or failed without a run."""
        sql = (  # SQLite takes the bare columns from the row that has the maximum
            "select master, client, max(slot), reason from slots where state in ('missed', 'failed') and slot >= ?"
            f" and run is null and slots.slot > {_FIRST_LOOK} group by master, client, state"
        )
        return self.records(MissedSlot.from_row, sql, (rfc3339(since),))

    def machines(self) -> list[MachineImages]:
        """Of every client, the machines that its proven images are of, the one with the newest image first."""
        sql = (
            "select master, client, machine_id, count(*), max(created) from images where removed is null"
            " and verified = 1 and fault is null and machine_id is not null group by 1, 2, 3 order by 1, 2, 5 desc"
        )
        return self.records(MachineImages.from_row, sql)

    def ever_good(self, keys: Sequence[Key], kind: str) -> set[Key]:
        """Those of these clients of whom an image of this kind was proven once, also where nothing is left of it."""
        sql = (
            "select master, client from w where exists (select 1 from images where master = w.master"
            " and client = w.client and kind = ? and verified = 1 and size_bytes >= 0)"
        )
        return {(master, client) for master, client in self._of_each(keys, sql, (kind,))}

    def runs_with_open_changes(self) -> list[RunRow]:
        """The runs that export changes in force, planned or foreign belong to."""
        sql = f"{_RUNS} where id in (select run from export_changes where state in ('planned', 'applied', 'foreign'))"
        return self.records(RunRow.from_row, sql)

    # --- how

    def _in_spans(self, spans: Sequence[Span], sql: str) -> Iterator[tuple[Any, ...]]:
        if not spans:
            return iter(())
        rows = ", ".join(["(?, ?, ?)"] * len(spans))
        bound = [v for number, (begins, ends) in enumerate(spans) for v in (number, rfc3339(begins), rfc3339(ends))]
        return self.each(f"with w(number, begins, ends) as (values {rows}){sql}", bound)

    def _of_each(self, keys: Sequence[Key], sql: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows of a query over ``w``: one query, or a few where an old SQLite binds no more than 999 values."""
        at_once = (self.limit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) - len(parameters)) // 2
        for start in range(0, len(keys), at_once):
            part = keys[start : start + at_once]
            names = [name for key in part for name in key]
            values = ", ".join(["(?, ?)"] * len(part))
            yield from self.records(tuple, f"with w(master, client) as (values {values}) {sql}", [*names, *parameters])
