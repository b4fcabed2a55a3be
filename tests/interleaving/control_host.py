"""The control host's own state, which can be put back as well: the history, and who holds the lease of which run."""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from tests.interleaving.master_disk import BEGAN

LEFT = ""
"""Whoever held the lease is gone, and its file is still there."""
_WAL_HEADER = slice(18, 20)

Rows = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class ControlState:
    """``leases``: the holder of each run's lease."""

    history: bytes
    leases: tuple[tuple[str, str], ...] = ()


@dataclass
class ControlHost:
    """One history in memory. Every call of one of its methods is one transaction."""

    path: Path
    states: list[ControlState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._store = Store.open(self.path, now=lambda: BEGAN)
        self._reader = Reader.open(self.path)
        image = bytearray(self._store.database.conn.serialize())
        image[_WAL_HEADER] = b"\x01\x01"  # what is in memory has no second file
        self._store.close()
        self._reader.close()
        self._open(bytes(image))
        tables = self._connection.execute("select name from sqlite_master where type = 'table'")
        self._tables = [name for (name,) in tables if not name.startswith("sqlite_")]
        self._ids: dict[tuple[Rows, tuple[tuple[str, str], ...]], int] = {}
        self.now = self._numbered(())

    def call(self, state: int, side: str, name: str, arguments: tuple[Any, ...], words: dict[str, Any]) -> Any:
        """What a method of the store or the reader returns in this state; ``now`` is the state after it."""
        self._go_to(state)
        before = self._connection.total_changes
        try:
            return getattr(self._store if side == "store" else self._reader, name)(*arguments, **words)
        finally:
            if self._connection.total_changes != before:
                self.now = self._numbered(self.states[state].leases)

    def lease(self, state: int, act: str, run: str, actor: str) -> Any:
        """``take``, ``release``, ``leave``, ask whether its owner is ``alive``, ``list`` or ``remove`` them."""
        held = dict(self.states[state].leases)
        if act == "alive":
            return held.get(run, LEFT) != LEFT
        if act == "list":
            return sorted(held)
        if act == "take":
            if held.get(run, LEFT) != LEFT:
                message = f"{run} is being worked on by another nimwrap"
                raise NimwrapError(message, code="locked", exit_code=ExitCode.LOCKED)
            held[run] = actor
        elif act == "remove":
            if held.get(run) == LEFT:
                del held[run]
        elif held.get(run) == actor:
            if act == "release":
                del held[run]
            else:
                held[run] = LEFT
        self._go_to(state)
        self.now = self._numbered(tuple(sorted(held.items())))
        return None

    def ended(self, state: int, actor: str) -> int:
        """The state after the actor's process is gone, with all that it held."""
        held = tuple((run, LEFT if by == actor else by) for run, by in self.states[state].leases)
        if held == self.states[state].leases:
            return state
        self._go_to(state)
        self.now = self._numbered(held)
        return self.now

    def rows(self, state: int, sql: str) -> list[dict[str, Any]]:
        self._go_to(state)
        cursor = self._connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _numbered(self, leases: tuple[tuple[str, str], ...]) -> int:
        """The number of what is in memory now; the order in which independent events came makes no other state."""
        key = (tuple((name, row) for name in self._tables for row in self._rows(name)), leases)
        if key not in self._ids:
            self._ids[key] = len(self.states)
            self.states.append(ControlState(zlib.compress(self._connection.serialize(), 1), leases))
        return self._ids[key]

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        if table == "event_chain":
            return []  # it says in which order the events came
        rows = self._connection.execute(f"select * from {table}").fetchall()  # noqa: S608  its own tables
        return sorted((row[1:-1] for row in rows), key=repr) if table == "events" else rows  # without id and hash

    def _open(self, history: bytes) -> None:
        """A connection of its own for each: one with statements of another history ends the process."""
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.deserialize(history)
        self._connection.execute("pragma foreign_keys = on")
        self._store.database = Database(self._connection, execute_plugins=False, recursive_triggers=False)
        self._reader._connection = self._connection

    def _go_to(self, state: int) -> None:
        if state != self.now:
            if self.states[state].history != self.states[self.now].history:
                self._connection.close()
                self._open(zlib.decompress(self.states[state].history))
            self.now = state
