"""The statements that several writes share. Each runs inside the transaction of its caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nimwrap.domain.codes import Outcome
from nimwrap.domain.findings import Finding
from nimwrap.domain.records import Attempt, Run
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.history_errors import row_missing
from nimwrap.history.model import ImageRow
from nimwrap.history.sqlite.codec import columns, moment
from nimwrap.history.sqlite.connection import select

if TYPE_CHECKING:
    from datetime import datetime

    from sqlite_utils import Database

    from nimwrap.domain.left_export import LeftExport


def insert(database: Database, table: str, values: dict[str, Any]) -> int:
    """Insert one row and return its rowid."""
    database.table(table).insert(columns(values))
    return int(database.conn.execute("select last_insert_rowid()").fetchone()[0])


def attempt_columns(run_id: str, attempt: Attempt) -> dict[str, Any]:
    return columns(
        {
            "run": run_id,
            "number": attempt.number,
            "started": attempt.started,
            "ended": attempt.ended,
            "returncode": attempt.returncode,
            "failure_code": attempt.failure_code,
            "remedy": attempt.remedy,
        }
    )


def insert_findings(database: Database, run_id: str, findings: Iterable[Finding]) -> None:
    database.table("findings").insert_all(
        columns(
            {
                "run": run_id,
                "check": found.check,
                "status": found.status,
                "message": found.message,
                "fix": found.fix,
                "evidence": found.evidence,
                "failure_code": found.failure,
                "data": dict(found.data) or None,
            }
        )
        for found in findings
    )


def update_if_there(database: Database, table: str, key: str | int, values: dict[str, Any]) -> bool:
    """Set the columns of one row; False when it is not there."""
    names = ", ".join(f'"{name}" = ?' for name in values)
    changed = database.conn.execute(
        f'update "{table}" set {names} where id = ?',
        (*columns(values).values(), key),
    )
    return changed.rowcount > 0


def update(database: Database, table: str, key: str | int, values: dict[str, Any]) -> None:
    """Set the columns of one row; StoreUnavailable when it is not there."""
    if not update_if_there(database, table, key, values):
        raise row_missing(f"row {key!r} of {table}")


def value(database: Database, sql: str, parameters: Sequence[str | int]) -> Any:
    """The first value of the first row; None without one."""
    row = database.conn.execute(sql, tuple(parameters)).fetchone()
    return None if row is None else row[0]


def image_of(database: Database, run_id: str) -> int | None:
    found: int | None = value(database, "select max(id) from images where run = ?", (run_id,))
    return found


def image_row(database: Database, image_id: int) -> ImageRow:
    """The image as it is stored now; StoreUnavailable when it is not there."""
    sql = f"{select(ImageRow._fields, 'images')} where id = ?"
    found = database.conn.execute(sql, (image_id,)).fetchone()
    if found is None:
        raise row_missing(f"row {image_id!r} of images")
    return ImageRow.from_row(found)


def begin_copy(database: Database, of: dict[str, Any], values: dict[str, Any]) -> CopyRow:
    """The row of a copy, new or taken up again, as it is stored now."""
    where = (of["image"], of["name"])
    known = value(database, "select id from copies where image = ? and name = ?", where)
    if known is None:
        known = insert(database, "copies", of | values)
    else:
        update(database, "copies", known, values)
    found = database.conn.execute(f"{select(CopyRow._fields, 'copies')} where id = ?", (known,)).fetchone()
    return CopyRow.from_row(found)


def end_slot(database: Database, run: Run) -> None:
    """The run's slot is ``done``; ``skipped``, with the reason, when the client was left out on purpose."""
    skipped = run.outcome is Outcome.SKIPPED
    why = run.failure.message if skipped and run.failure else None
    database.conn.execute(
        "update slots set state = ?, reason = coalesce(?, reason) where run = ? and state = 'started'",
        ("skipped" if skipped else "done", why, run.id),
    )


def release(database: Database, master: str, client: str, at: datetime | str) -> bool:
    changed = database.conn.execute(
        "update holds set released = ? where master = ? and client = ? and released is null",
        (moment(at), master, client),
    )
    return changed.rowcount > 0


def set_seen(database: Database, image_ids: Sequence[int], at: datetime | str) -> None:
    seen = moment(at)
    database.conn.executemany("update images set seen_at = ? where id = ?", [(seen, image) for image in image_ids])


def stop_removals(database: Database, master: str, why: str, at: datetime | str) -> None:
    database.conn.execute(
        "insert into removal_stops (master, since, why) values (?, ?, ?) on conflict (master) do update"
        " set since = excluded.since, why = excluded.why, resumed = null",
        (master, moment(at), why),
    )


def resume_removals(database: Database, master: str, at: datetime | str) -> bool:
    changed = database.conn.execute(
        "update removal_stops set resumed = ? where master = ? and resumed is null", (moment(at), master)
    )
    return changed.rowcount > 0


def set_exports_left(database: Database, master: str, left: Iterable[LeftExport], at: datetime | str) -> None:
    """What stands there now takes the place of what stood there at the last look."""
    database.conn.execute("delete from exports_left where master = ?", (master,))
    database.conn.executemany(
        "insert or replace into exports_left (master, directory, text, why, cure, open, seen)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        [(master, one.directory, one.text, one.why, one.cure, int(one.open), moment(at)) for one in left],
    )
