"""The slots of schedules on this host's own history (nimwrap.history.slot_claims says what they are)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import SlotRow
from nimwrap.history.run_lease import owner_alive
from nimwrap.history.slot_claims import CLAIMED, MISSED, NOBODY, WAITING, Opening
from nimwrap.history.sqlite.connection import ReadOnly, select
from nimwrap.history.sqlite.store import Store

_SLOTS = select(SlotRow._fields, "slots")
_ONE_CLIENT = "schedule = ? and slot = ? and master = ? and client = ?"
_KILLED = (
    "exists (select 1 from runs r where r.id = slots.run and r.failure_code = 'killed'"
    " and not exists (select 1 from attempts a where a.run = r.id and a.failure_code = 'killed'))"
)
_BETWEEN = "exists (select 1 from runs r where r.id = slots.run and r.outcome <> 'running')"
"""Of a started row: its run has ended, and the client has further images to be made in the slot."""
_INSERT = "insert into slots (schedule, slot, master, client, state, reason, claimed) values (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class SlotQueue:
    """The port ``SlotClaims`` on this host's own history."""

    store: Store
    reader: ReadOnly

    def newest_slot(self, schedule: str, now: datetime) -> datetime | None:
        """The newest slot of a schedule, not later than ``now``, that has rows; not those that a wrong clock missed."""
        sql = (
            "select slot from slots where schedule = ? and slot <= ? and not (state = ? and claimed > ?)"
            " order by slot desc limit 1"
        )
        newest = next(self.reader.each(sql, (schedule, rfc3339(now), MISSED, rfc3339(now))), None)
        return parse_rfc3339(newest[0]) if newest else None

    def pending(self, since: datetime) -> list[SlotRow]:
        """The rows free to be taken, oldest slot first.

        Clients that wait; those whose claimer died before the run; and, of slots after ``since``, those whose run
        was killed before it started anything, which then still have that run, and those whose process died between
        two images.
        """
        sql = f"{_SLOTS} where state = ? and run is null order by slot, id"
        claimed = self.reader.records(SlotRow.from_row, sql, (CLAIMED,))
        alive = {
            owner for owner in {row.owner for row in claimed} if owner and owner_alive(self.reader.path.parent, owner)
        }
        found = self.reader.records(SlotRow.from_row, sql, (WAITING,)) + [
            row for row in claimed if row.owner not in alive
        ]
        killed = f"{_SLOTS} where state = 'done' and slot >= ? and {_KILLED}"
        found += self.reader.records(SlotRow.from_row, killed, (rfc3339(since),))
        started = f"{_SLOTS} where state = 'started' and slot >= ? and {_BETWEEN}"
        between = self.reader.records(SlotRow.from_row, started, (rfc3339(since),))
        found += [row for row in between if not (row.owner and owner_alive(self.reader.path.parent, row.owner))]
        return sorted(found, key=lambda row: (row.slot, row.id))

    def open_slot(self, opening: Opening, at: datetime) -> bool:
        """Write the rows of a slot, all or none. False when somebody did so before.

        A slot that was recorded as missed at a time that is still to come was missed by a wrong clock, which has been
        set back since: it is opened after all.
        """
        key = (opening.schedule, rfc3339(opening.slot))
        with self.store.writing("open_slot") as database:
            rows = database.conn.execute(
                "select state, claimed from slots where schedule = ? and slot = ?", key
            ).fetchall()
            if any(state != MISSED or claimed <= rfc3339(at) for state, claimed in rows):
                return False
            database.conn.execute("delete from slots where schedule = ? and slot = ?", key)
            fate = (opening.state, opening.reason, rfc3339(at))
            values = [(*key, ref.master, ref.client, *fate) for ref in opening.refs or [NOBODY]]
            database.conn.executemany(_INSERT, values)
            return True

    def take(self, schedule: str, slot: datetime, refs: Iterable[ClientRef]) -> list[ClientRef]:
        """Claim those of ``refs`` whose rows are free, as in :meth:`pending`; returns them."""
        taken = []
        with self.store.writing("take_slot") as database:
            for ref in refs:
                key = (schedule, rfc3339(slot), ref.master, ref.client)
                if self._free(database.conn, key):
                    sql = f"update slots set state = ?, owner = ?, run = null where {_ONE_CLIENT}"
                    database.conn.execute(sql, (CLAIMED, self.store.token(), *key))
                    taken.append(ref)
        return taken

    def end(self, schedule: str, slot: datetime, refs: Iterable[ClientRef], state: str, reason: str) -> None:
        """Close the rows of clients that got no run: ``missed``, ``skipped`` or ``failed``, and why."""
        with self.store.writing("end_slot") as database:
            sql = f"update slots set state = ?, reason = ? where {_ONE_CLIENT} and run is null"
            values = [(state, reason, schedule, rfc3339(slot), ref.master, ref.client) for ref in refs]
            database.conn.executemany(sql, values)

    def _free(self, connection: sqlite3.Connection, key: tuple[str, ...]) -> bool:
        sql = f"select state, run, owner, {_KILLED}, {_BETWEEN} from slots where {_ONE_CLIENT}"
        state, run, owner, killed, between = connection.execute(sql, key).fetchone() or ("", None, None, 0, 0)
        abandoned = not (owner and owner_alive(self.store.path.parent, owner))
        if run is not None:
            return (state == "done" and bool(killed)) or (state == "started" and bool(between) and abandoned)
        return state == WAITING or (state == CLAIMED and abandoned)
