"""Opening ``history.db`` for writing: private files, pragmas, migrations with a copy first, and transactions."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nimwrap.history.history_errors import is_busy, newer, refuse_other_owner, state_dir_fault
from nimwrap.history.sqlite import schema

if TYPE_CHECKING:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

_log = logging.getLogger(__name__)
_SLICE_S = 0.25  # waiting happens in slices, so that a signal is heard between two of them


def private_state_dir(directory: Path) -> None:
    """Make ``directory`` with mode 0700 when it is absent; refuse one of another user."""
    refuse_other_owner(directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise state_dir_fault(directory, error) from error


def connect(path: Path, patience_s: float, *, vfs: str = "") -> sqlite3.Connection:
    """A connection in manual transaction mode, durable at each commit, WAL where the filesystem carries it."""
    with suppress(FileExistsError):  # only a file that is not there is opened here: closing one drops SQLite's locks
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    uri = path.absolute().as_uri() + (f"?vfs={vfs}" if vfs else "")
    connection = sqlite3.connect(uri, uri=True, timeout=patience_s, isolation_level=None, check_same_thread=False)
    try:
        _choose_journal(connection, patience_s)
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
    except BaseException:
        connection.close()
        raise
    return connection


def _choose_journal(connection: sqlite3.Connection, patience_s: float) -> None:
    """WAL, or DELETE where shared memory does not work (network filesystems)."""
    deadline = time.monotonic() + patience_s
    while connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        try:
            if connection.execute("pragma journal_mode = wal").fetchone()[0] == "wal":
                connection.execute("select count(*) from sqlite_master").fetchone()
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                connection.execute("pragma journal_mode = delete")
                return
            if time.monotonic() >= deadline:
                return  # another process holds it open in the old mode: that mode serves as well
            time.sleep(0.02)


@contextmanager
def immediate(connection: sqlite3.Connection, patience_s: float) -> Iterator[sqlite3.Connection]:
    """One transaction that holds the write lock from its first statement, so that what it reads stays true."""
    deadline = time.monotonic() + patience_s
    connection.execute(f"pragma busy_timeout = {int(min(patience_s, _SLICE_S) * 1000)}")
    while True:
        try:
            connection.execute("begin immediate")
            break
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
    connection.execute(f"pragma busy_timeout = {int(patience_s * 1000)}")
    try:
        yield connection
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def migrations_of(known: Mapping[str, str]) -> Migrations:
    """The named SQL of ``known`` as a sqlite-utils migration set, in order."""
    from sqlite_utils.migrations import Migrations

    found = Migrations(schema.MIGRATION_SET)
    for name, sql in known.items():

        def apply(db: Database, sql: str = sql) -> None:
            for statement in schema.statements(sql):
                db.conn.execute(statement)

        found(name=name)(apply)
    return found


def migrate(db: Database, path: Path, patience_s: float, known: Mapping[str, str] = schema.MIGRATIONS) -> None:
    """Bring the database to the schema of ``known``: all of it or nothing, after a copy when there is data.

    Several processes may do so at once. A database with migrations that ``known`` lacks is refused.
    """
    found = migrations_of(known)
    applied = {migration.name for migration in found.applied(db)}
    if applied - set(known):
        raise newer(path, applied - set(known))
    pending = [migration.name for migration in found.pending(db)]
    if not pending:
        return
    if applied:
        copy = _copy_before(db.conn, path, pending[0])
        _log.info("the history is brought up to date (%s); as it was before: %s", ", ".join(pending), copy)
    with immediate(db.conn, patience_s):
        found.apply(db)


def _copy_before(connection: sqlite3.Connection, path: Path, name: str) -> Path:
    """``history.db.before-NAME``. The first process to make it wins: a later copy may be of the changed database."""
    final = path.with_name(f"{path.name}.before-{name}")
    draft = path.with_name(f"{path.name}.copy-{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        connection.execute("vacuum into ?", (str(draft),))
        draft.chmod(0o600)
        with suppress(FileExistsError):
            os.link(draft, final)
    finally:
        draft.unlink(missing_ok=True)
    return final
