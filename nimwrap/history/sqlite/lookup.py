"""Finding the run that a person means: by an id, by what is unique of one, by its client, or the last of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.domain.did_you_mean import nearest_names
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.sqlite.codec import Row

if TYPE_CHECKING:
    from nimwrap.history.sqlite.connection import ReadOnly

LAST = "last"
_SHOWN = 5
_MASTERS = """
    with recursive m(name) as (
      select min(master) from runs
      union all
      select (select min(master) from runs where master > m.name) from m where m.name is not null)
    select name as master from m where name is not null"""


def find_run(reader: ReadOnly, text: str) -> Row:
    """The run with this id, or with an id that this is unique of; of a client, or with ``last`` of all, the newest.

    Usage error with the nearest ids when none or several match.
    """
    exact = reader.row("select * from runs where id = ?", (text,))
    found = exact or (_newest(reader) if text == LAST else None) or _newest_of_client(reader, text)
    if found:
        return found
    ids = (_beginning_with(reader, text) or _having(reader, text)) if text else []
    if len(ids) == 1:
        return reader.rows("select * from runs where id = ?", (ids[0],))[0]
    if ids:
        more = " ..." if len(ids) > _SHOWN else ""
        raise usage_error(f"{text!r} fits several runs", f"say which: {', '.join(ids[:_SHOWN])}{more}")
    raise _unknown(reader, text)


def _newest(reader: ReadOnly) -> Row | None:
    return reader.row("select * from runs order by started desc, rowid desc limit 1")


def _newest_of_client(reader: ReadOnly, text: str) -> Row | None:
    """The newest run of a client; of the latest of them where several masters have one of that name."""
    master, slash, client = text.rpartition("/")
    masters = [master] if slash else [row["master"] for row in reader.rows(_MASTERS)]
    sql = "select * from runs where master = ? and client = ? order by started desc, rowid desc limit 1"
    rows = [row for one in masters if (row := reader.row(sql, (one, client)))]
    return max(rows, key=lambda row: str(row["started"]), default=None)


def _beginning_with(reader: ReadOnly, text: str) -> list[str]:
    sql = "select id from runs where id >= ? and id < ? order by id desc limit ?"
    return [row["id"] for row in reader.rows(sql, (text, text + "\U0010ffff", _SHOWN + 1))]


def _having(reader: ReadOnly, text: str) -> list[str]:
    sql = "select id from runs where instr(id, ?) > 0 order by id desc limit ?"
    return [row["id"] for row in reader.rows(sql, (text, _SHOWN + 1))]


def _unknown(reader: ReadOnly, text: str) -> NimwrapError:
    newest = [row["id"] for row in reader.rows("select id from runs order by started desc, rowid desc limit 200")]
    near = nearest_names(text, newest, 3, 0.5)
    beginning = text
    while not near and len(beginning) > 4:  # an old run: the ids that share its beginning
        beginning = beginning[:-1]
        near = _beginning_with(reader, beginning)[:3]
    hint = f"the nearest: {', '.join(near)}" if near else "`nimwrap history` lists the runs"
    return usage_error(f"there is no run {text!r}", hint)
