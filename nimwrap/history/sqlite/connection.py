"""A read-only view of ``history.db`` by plain ``sqlite3``: quick to open, and never in a writer's way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from nimwrap.history.history_errors import StoreUnavailable, newer, refuse_other_owner, state_dir_fault, unavailable
from nimwrap.history.sqlite import schema

Parameters = Sequence[Any]


T = TypeVar("T")
Make = Callable[[Sequence[Any]], T]
"""``from_row`` of a record of ``history.model``."""


def select(columns: Sequence[str], table: str) -> str:
    """The beginning of a query for records with these fields. Qualified, a name that is no column is an error."""
    names = ", ".join(f'{table}."{name}"' for name in columns)
    return f"select {names} from {table}"


class ReadOnly:
    """A database that may not be there yet: until it is, every answer is empty. Safe in several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._empty: sqlite3.Connection | None = None
        self._connected()

    def close(self) -> None:
        with self._lock:
            for connection in (self._connection, self._empty):
                if connection is not None:
                    connection.close()
            self._connection = self._empty = None

    def query(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """The one place that every question passes; the callers below hold the lock and explain its faults."""
        return self._connected().execute(sql, tuple(parameters))

    def records(self, make: Make[T], sql: str, parameters: Parameters = ()) -> list[T]:
        """All rows of a query that begins as :func:`select` has it."""
        with self._lock, self._explained():
            return [make(values) for values in self.query(sql, parameters)]

    def record(self, make: Make[T], sql: str, parameters: Parameters = ()) -> T | None:
        """The first of them, or None."""
        return next(iter(self.records(make, sql, parameters)), None)

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first value of the first row, or None."""
        return next(self.each(sql, parameters), (None,))[0]

    def limit(self, category: int) -> int:
        """One of the limits that SQLite was built with."""
        with self._lock:
            return self._connected().getlimit(category)

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[tuple[Any, ...]]:
        """The values of a query row by row, for when only the first few are wanted."""
        with self._lock, self._explained():
            cursor = self.query(sql, parameters)
        while True:
            with self._lock, self._explained():
                values = cursor.fetchone()
            if values is None:
                return
            yield values

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if fault := unavailable(self.path, error):
                raise fault from error
            raise

    def _connected(self) -> sqlite3.Connection:
        with self._lock:
            if self._connection is None:
                self._connection = _open(self.path)
            if self._connection is not None:
                return self._connection
            if self._empty is None:
                self._empty = sqlite3.connect(":memory:", check_same_thread=False)
                for sql in schema.MIGRATIONS.values():
                    for statement in schema.statements(sql):
                        self._empty.execute(statement)
            return self._empty


def _open(path: Path) -> sqlite3.Connection | None:
    """A connection that cannot write, to a database of today's schema; None when there is no database."""
    refuse_other_owner(path.parent)
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise state_dir_fault(path.parent, error) from error
    connection = _connect(path)
    try:
        applied = applied_migrations(connection)
        if applied - set(schema.MIGRATIONS):
            raise newer(path, applied - set(schema.MIGRATIONS))
        if set(schema.MIGRATIONS) - applied:
            _bring_up_to_date(path)
    except sqlite3.Error as error:
        connection.close()
        if fault := unavailable(path, error):
            raise fault from error
        raise
    except StoreUnavailable:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri() + "?mode=ro"
    try:
        return _checked(uri)
    except sqlite3.OperationalError as error:
        fault = unavailable(path, error)
        if fault is None or fault.code != "history_unwritable":
            raise fault or error from error
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise fault from error  # what stands only in the log would silently be missing
        return _checked(uri + "&immutable=1")  # a read-only filesystem: nobody can write, so no lock is needed
    except sqlite3.DatabaseError as error:
        raise unavailable(path, error) or error from error


def _checked(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("pragma query_only = on")
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def applied_migrations(connection: sqlite3.Connection) -> set[str]:
    """The changes of the schema that a database has had; none for one that is no history."""
    table = schema.MIGRATIONS_TABLE
    if not connection.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone():
        return set()
    query = f"select name from {table} where migration_set = ?"
    return {name for (name,) in connection.execute(query, (schema.MIGRATION_SET,))}


def _bring_up_to_date(path: Path) -> None:
    from nimwrap.history.sqlite.store import Store

    Store.open(path).close()
