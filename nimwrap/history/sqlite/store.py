"""Every write to the history: each one is a committed transaction between two failpoints."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimwrap.domain.act import Act
from nimwrap.domain.findings import Finding
from nimwrap.domain.records import Attempt, ChangeState, Run
from nimwrap.failpoints import failpoint
from nimwrap.history.actor import Actor, current_actor
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.event_row import EventRow
from nimwrap.history.history_errors import StoreUnavailable, row_missing, unavailable
from nimwrap.history.model import ImageRow
from nimwrap.history.run_lease import RunLease, remove_stale_leases
from nimwrap.history.sqlite import statements
from nimwrap.history.sqlite.client_writes import ClientWrites
from nimwrap.history.sqlite.codec import columns, moment, run_columns, utc_now
from nimwrap.history.sqlite.connection import select
from nimwrap.history.sqlite.database import connect, immediate, migrate, private_state_dir
from nimwrap.history.sqlite.event_chain import amend_event, append_event, event_kind

if TYPE_CHECKING:
    from sqlite_utils import Database


PATIENCE_S = 30.0
"""How long a new act waits for another writer."""
HURRY_S = 2.0
"""How long an end, an undo or a piece of evidence waits before StoreUnavailable says to go on without the row."""

Moment = datetime | str
Decide = Callable[[Sequence[EventRow]], "tuple[str, object] | None"]
_EVENTS = select(EventRow._fields, "events")


class Store(ClientWrites):
    """The history, open for writing. One connection, used by any number of threads, one write at a time.

    A new act waits up to 30 s for other writers. Ends, undoing and evidence wait 2 s; so does everything inside
    :meth:`hurried`. StoreUnavailable (a NimwrapError) means: locked, full, damaged or not writable.
    """

    def __init__(self, path: Path, database: Database, now: Callable[[], datetime], patience_s: float) -> None:
        self.path = path
        self.database = database
        self.by: Actor = current_actor()
        self._now = now
        self._patience_s = patience_s
        self._writing = threading.RLock()
        self._thread = threading.local()
        self._owner: RunLease | None = None

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], datetime] = utc_now, patience_s: float = PATIENCE_S) -> Store:
        """Open or create ``path`` and bring it to today's schema; the directory is made with mode 0700."""
        from sqlite_utils import Database

        private_state_dir(path.parent)
        connection = None
        try:
            connection = connect(path, patience_s)
            database = Database(connection, execute_plugins=False, recursive_triggers=False)
            migrate(database, path, patience_s)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error) and (fault := unavailable(path, error)):
                raise fault from error
            raise
        return cls(path, database, now, patience_s)

    def close(self) -> None:
        with self._writing:
            self.database.conn.close()
            if self._owner is not None:
                self._owner.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """In this block, and in this thread, no write waits longer than HURRY_S."""
        before = getattr(self._thread, "hurried", False)
        self._thread.hurried = True
        try:
            yield
        finally:
            self._thread.hurried = before

    @contextmanager
    def writing(self, what: str, *, hurried: bool = False) -> Iterator[Database]:
        """One transaction that holds the write lock from its start, between the two failpoints of ``what``."""
        hurried = hurried or getattr(self._thread, "hurried", False)
        patience_s = min(HURRY_S, self._patience_s) if hurried else self._patience_s
        failpoint(f"history.{what} before")
        if not self._writing.acquire(timeout=patience_s):
            raise StoreUnavailable(f"the history {self.path} is busy", code="history_locked", hint="try again")
        try:
            with immediate(self.database.conn, patience_s):
                yield self.database
        except sqlite3.Error as error:
            if fault := unavailable(self.path, error):
                raise fault from error
            if hurried and isinstance(error, sqlite3.IntegrityError):
                raise row_missing(f"what {what} belongs to") from error
            raise
        finally:
            self._writing.release()
        failpoint(f"history.{what} after")

    # --- runs

    def begin_run(self, run: Run, *, slot: Moment | None = None) -> None:
        """The row of a run, before anything is done for it; its slot, if it has one, then belongs to it."""
        with self.writing("begin_run") as database:
            self._insert_run(database, run, slot)

    def record_run(self, run: Run, *, slot: Moment | None = None) -> None:
        """A run that is over already (held, locked, refused before its start), with its findings, in one write."""
        with self.writing("record_run") as database:
            self._insert_run(database, run, slot)
            statements.insert_findings(database, run.id, run.findings)
            statements.end_slot(database, run)

    def update_run(self, run_id: str, **values: Any) -> None:
        """Set columns of a run: ``phase``, ``owner_pid``, ``cluster``... StoreUnavailable when there is no such run.

        The name of a cluster that the run saw stays with its client.
        """
        name = getattr(values.get("cluster"), "name", None)
        with self.writing("update_run") as database:
            statements.update(database, "runs", run_id, values)
            if name:
                database.conn.execute(
                    "update clients set cluster = ?"
                    " where (master, name) = (select master, client from runs where id = ?)",
                    (name, run_id),
                )

    def close_run(self, run: Run, *, hurried: bool = True, slot_done: bool = True) -> None:
        """The end of a run as its record says; a run whose first row was lost gets one now. Findings are kept.

        Not ``slot_done``: its slot wants further images of the client.
        """
        values = run_columns(run) | {"phase": None}
        with self.writing("close_run", hurried=hurried) as database:
            if values["image"] is None:
                values["image"] = statements.image_of(database, run.id)
            if not statements.update_if_there(database, "runs", run.id, values):
                self._insert_run(database, run, None)
            if slot_done:
                statements.end_slot(database, run)

    def _insert_run(self, database: Database, run: Run, slot: Moment | None) -> None:
        owner = {"owner_host": self.by.control_host, "owner_pid": os.getpid(), "actor": self.by.name}
        row = run_columns(run) | owner | {"slot": moment(slot) if slot is not None else None}
        statements.insert(database, "runs", row)
        if slot is not None and run.schedule is not None:
            database.conn.execute(
                "update slots set run = ?, state = 'started'"
                " where schedule = ? and slot = ? and master = ? and client = ?",
                (run.id, run.schedule, row["slot"], run.master, run.client),
            )

    def set_findings(self, run_id: str, findings: Iterable[Finding]) -> None:
        """What preflight found, in its order; of several looks at the client the last one."""
        with self.writing("set_findings") as database:
            database.conn.execute("delete from findings where run = ?", (run_id,))
            statements.insert_findings(database, run_id, findings)

    def begin_attempt(
        self, run_id: str, attempt: Attempt, *, location: str, resource: str, plan: str | None = None
    ) -> None:
        """An image-making operation that is about to start, with all that a later process needs to finish it."""
        place = {"location": location, "resource": resource, "plan": plan}
        with self.writing("begin_attempt") as database:
            statements.insert(database, "attempts", statements.attempt_columns(run_id, attempt) | place)

    def end_attempt(self, run_id: str, attempt: Attempt, *, output: str) -> None:
        """How an operation ended, with its output; an attempt whose first row was lost gets one now."""
        values = statements.attempt_columns(run_id, attempt) | columns({"output": output})
        with self.writing("end_attempt", hurried=True) as database:
            found = database.conn.execute(
                "select id from attempts where run = ? and number = ?", (run_id, attempt.number)
            ).fetchone()
            if found:
                statements.update(database, "attempts", found[0], values)
            else:
                statements.insert(database, "attempts", values)

    def event(
        self,
        kind: str | Act,
        text: str,
        *,
        run: str | None = None,
        master: str | None = None,
        data: Any = None,
        at: Moment | None = None,
    ) -> None:
        """Something worth telling later, such as a command with its output in ``data``, or an act of somebody."""
        values = {"run": run, "master": master, "at": at or self._now(), "text": text, "data": data}
        values |= event_kind(kind)
        with self.writing("event", hurried=True) as database:
            append_event(database, self.by, values)

    def event_after(self, kind: str, most: int, decide: Decide, *, at: Moment) -> int | None:
        """In one transaction, decide on the newest ``most`` events of a kind, newest first, whether another follows.

        ``decide`` gives its text and data, or None for none; the new event's id is returned.
        """
        with self.writing(kind) as database:
            found = database.conn.execute(
                f"{_EVENTS} where kind = ? order by at desc, id desc limit ?", (kind, most)
            ).fetchall()
            follows = decide([EventRow.from_row(values) for values in found])
            if follows is None:
                return None
            values = {"at": at, "kind": kind, "text": follows[0], "data": follows[1]}
            return append_event(database, self.by, values)

    def update_event(self, event_id: int, data: Any) -> None:
        """Replace the data of an event; that this was done is an event too."""
        with self.writing("update_event", hurried=True) as database:
            amend_event(database, self.by, event_id, data, self._now())

    # --- export changes

    def plan_change(
        self, run: str, master: str, directory: str, *, added: Sequence[str], before: str | None, at: Moment
    ) -> int:
        """The journal's row, before the export is touched: which addresses, and the entry's text as it stands."""
        values = {
            "run": run,
            "master": master,
            "directory": directory,
            "added": list(added),
            "before": before,
            "state": ChangeState.PLANNED,
            "planned": at,
        }
        with self.writing("plan_change") as database:
            return statements.insert(database, "export_changes", values)

    def change_applied(self, change_id: int, after: str | None, at: Moment) -> None:
        """The change took; ``after`` is the entry's text as read back. When it was first seen open is kept."""
        with self.writing("change_applied", hurried=True) as database:
            seen = statements.value(database, "select applied from export_changes where id = ?", (change_id,))
            values = {"state": ChangeState.APPLIED, "after": after, "applied": seen or at}
            statements.update(database, "export_changes", change_id, values)

    def change_ended(self, change_id: int, state: ChangeState, at: Moment, note: str = "") -> None:
        """The change is undone (``reverted``), or a person must look (``foreign``)."""
        values = {"state": state, "note": note or None, "reverted": at if state is ChangeState.REVERTED else None}
        with self.writing("change_ended", hurried=True) as database:
            statements.update(database, "export_changes", change_id, values)

    # --- images

    def add_image(self, **values: Any) -> int:
        """Record an image and return its id.

        A place holds one file: the same run's row for it is brought up to date, another's is marked as replaced.
        """
        values = {"recorded": self._now(), **values}
        place = (values["master"], str(values["location"]))
        with self.writing("add_image") as database:
            there = database.conn.execute(
                "select id, run from images where master = ? and location = ? and removed is null", place
            ).fetchone()
            if there and there[1] == values.get("run"):
                statements.update(database, "images", there[0], values)
                return int(there[0])
            if there:
                statements.update(database, "images", there[0], {"removal": "removed", "removed": values["recorded"]})
            return statements.insert(database, "images", values)

    def add_found_image(self, **values: Any) -> int | None:
        """Record an image that was found; None when its place has a row by now, which stays as it is."""
        with self.writing("add_image") as database:
            there = database.conn.execute(
                "select id from images where master = ? and location = ? and removed is null",
                (values["master"], str(values["location"])),
            ).fetchone()
            return None if there else statements.insert(database, "images", {"recorded": self._now(), **values})

    def update_image(self, image_id: int, **values: Any) -> None:
        """Set columns of an image. The end of a removal (``removed``) does not wait for the database."""
        with self.writing("update_image", hurried="removed" in values) as database:
            statements.update(database, "images", image_id, values)

    def update_image_if(self, seen: ImageRow, **values: Any) -> ImageRow | None:
        """Set columns of an image while its row is still the one that was ``seen``; else the row as it is now."""
        with self.writing("update_image") as database:
            now = statements.image_row(database, seen.id)
            if now != seen:
                return now
            statements.update(database, "images", seen.id, values)
        return None

    # --- copies

    def begin_copy(self, image: ImageRow, name: str, kind: str, location: str, at: Moment) -> CopyRow:
        """The row of a copy before anything is done for it; one of the same image and name is taken up again."""
        of = {"image": image.id, "master": image.master, "client": image.client, "name": name}
        values = {"kind": kind, "location": location, "size_bytes": image.size_bytes, "state": "making", "begun": at}
        with self.writing("begin_copy") as database:
            return statements.begin_copy(database, of, {**values, "reason": None, "removed": None})

    def update_copy(self, copy_id: int, **values: Any) -> None:
        """Set columns of a copy. The end of a removal (``removed``) does not wait for the database."""
        with self.writing("update_copy", hurried="removed" in values) as database:
            statements.update(database, "copies", copy_id, values)

    # --- drills

    def begin_drill(self, image: ImageRow, level: str, sandbox: str | None, at: Moment) -> int:
        """The row of a drill before anything is done for it."""
        of = {"image": image.id, "master": image.master, "client": image.client, "level": level, "sandbox": sandbox}
        with self.writing("begin_drill") as database:
            return statements.insert(database, "drills", {**of, "outcome": "running", "evidence": [], "begun": at})

    def update_drill(self, drill_id: int, **values: Any) -> None:
        """Set columns of a drill. That nothing is left of it (``cleared``) does not wait for the database."""
        with self.writing("update_drill", hurried="cleared" in values) as database:
            statements.update(database, "drills", drill_id, values)

    def token(self) -> str:
        """The name under which this store claims slots: its lock tells others that we still live."""
        if self._owner is None:
            remove_stale_leases(self.path.parent, "claims-")
            self._owner = RunLease(self.path.parent, f"claims-{os.getpid()}-{secrets.token_hex(4)}")
        return self._owner.run_id
