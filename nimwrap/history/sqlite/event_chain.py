"""Events as a chain: each row's hash is of the row and of the hash before it, so that a changed or removed row shows.

The few rows that nimwrap itself brings up to date have an event for that, which knows both forms.

Rows of before the migration are no part of it. The chain proves that nobody edited the table in passing; whoever
rewrites all of it, with its end, leaves no trace here (``report --evidence`` signs a copy that lies elsewhere).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nimwrap.domain.act import Act
from nimwrap.history.sqlite import statements
from nimwrap.history.sqlite.codec import columns

if TYPE_CHECKING:
    from datetime import datetime

    from sqlite_utils import Database

    from nimwrap.history.actor import Actor
    from nimwrap.history.sqlite.connection import ReadOnly

AMENDED = "amended"
_HASHED = ("id", "run", "master", "at", "kind", "text", "data", "actor", "control_host", "act", "subject")
_INSERT = f"insert into events ({', '.join(_HASHED)}, hash) values ({', '.join('?' * (len(_HASHED) + 1))})"
_END = "insert or replace into event_chain (id, start, last, hash) values (1, ?, ?, ?)"
EVERY_EVENT = 2**60
_MOST = 20
"""So many faults are told; what follows a rewritten table is the same again and again."""


def event_kind(kind: str | Act) -> dict[str, Any]:
    """The columns that say what an event is, and of an act what was done to whom."""
    if isinstance(kind, Act):
        return {"kind": kind.kind, "act": kind.name, "subject": kind.subject}
    return {"kind": kind}


def append_event(database: Database, by: Actor, values: dict[str, Any]) -> int:
    """Insert one event in the caller's transaction, which holds the write lock, and return its id."""
    connection = database.conn
    end = connection.execute("select start, last, hash from event_chain").fetchone()
    newest = connection.execute("select max(id) from events").fetchone()[0] or 0
    start, before = (end[0], end[2]) if end else (newest, "")
    row = columns({"id": newest + 1, "actor": by.name, "control_host": by.control_host, **values})
    told = [row.get(name) for name in _HASHED]
    own = _hash(before, _digest(told))
    connection.execute(_INSERT, (*told, own))
    connection.execute(_END, (start, newest + 1, own))
    return newest + 1


def amend_event(database: Database, by: Actor, event_id: int, data: Any, at: datetime) -> None:
    """Replace the data of an event in the caller's transaction, and tell so. StoreUnavailable when it is not there."""
    sql = f"select {', '.join(_HASHED)} from events where id = ?"
    was = database.conn.execute(sql, (event_id,)).fetchone()
    statements.update(database, "events", event_id, {"data": data})
    now = database.conn.execute(sql, (event_id,)).fetchone()
    forms = {"event": event_id, "was": _digest(list(was)), "is": _digest(list(now))}
    append_event(
        database, by, {"at": at, "kind": AMENDED, "text": f"event {event_id} brought up to date", "data": forms}
    )


def chain_faults(reader: ReadOnly, newest: int) -> Iterator[str]:
    """Where the newest rows are not what was written, in words; at most the first few faults."""
    for number, fault in enumerate(_faults(reader, newest)):
        if number == _MOST:
            return
        yield fault


def _faults(reader: ReadOnly, most: int) -> Iterator[str]:
    names = ", ".join(f"e.{name}" for name in _HASHED)
    # One statement, so that the end is the one of these rows whoever writes meanwhile.
    sql = (
        "with c as (select max(start, last - ?) as start, last, hash from event_chain)"
        f" select c.start, c.last, c.hash, (select hash from events where id = c.start), e.hash, {names}"
        " from c left join events e on e.id > c.start order by e.id"
    )
    amended = _amended(reader)
    before, expected, last, newest = "", None, None, None
    for row in reader.each(sql, (most,)):
        start, last, newest, earlier, stored, *told = row
        if expected is None:
            before, expected = earlier or "", start + 1
        if told[0] is None:
            break
        if told[0] != expected:
            gone = f"event {expected}" if told[0] == expected + 1 else f"events {expected} to {told[0] - 1}"
            yield f"{gone}, of before {told[3]}: removed"
        elif stored != _hash(before, _as_written(told, amended)):
            how = "added by another program" if stored is None else "changed after it was written"
            yield f"event {told[0]} of {told[3]}: {how}"
        before, expected = stored or "", told[0] + 1
    if expected is None or last is None:
        yield "the end of the chain of events is gone"
    elif expected <= last:
        yield f"events {expected} to {last}, the newest: removed"
    elif expected > last + 1:
        yield f"the events after {last}: added by another program"
    elif before != newest:
        yield f"event {last}, the newest: not the one that was written"


def _amended(reader: ReadOnly) -> dict[int, tuple[str, str]]:
    """By event that was brought up to date, the digest it was written with and the one it has to have now."""
    found: dict[int, tuple[str, str]] = {}
    for (text,) in reader.each("select data from events where kind = ? order by at, id", (AMENDED,)):
        forms = json.loads(text)
        found[forms["event"]] = (found.get(forms["event"], (forms["was"],))[0], forms["is"])
    return found


def _as_written(told: list[Any], amended: dict[int, tuple[str, str]]) -> str:
    """The digest that a row was written with, if it is what it has to be now; else one that fits nothing."""
    digest = _digest(told)
    was, now = amended.get(told[0], (digest, digest))
    return was if digest == now else ""


def _digest(told: list[Any]) -> str:
    from hashlib import sha256

    return sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def _hash(before: str, digest: str) -> str:
    from hashlib import sha256

    return sha256(f"{before}\n{digest}".encode()).hexdigest()
