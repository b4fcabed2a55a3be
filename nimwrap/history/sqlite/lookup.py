"""Finding the run that a person means: by an id, by what is unique of one, by its client, or the last of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.domain.did_you_mean import nearest_names
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.model import RunRow
from nimwrap.history.sqlite.connection import select

if TYPE_CHECKING:
    from nimwrap.history.sqlite.connection import ReadOnly

LAST = "last"
_RUNS = select(RunRow._fields, "runs")
_NEWEST = "order by started desc, rowid desc limit 1"
_SHOWN = 5
_MASTERS = """
    with recursive m(name) as (
      select min(master) from runs
      union all
      select (select min(master) from runs where master > m.name) from m where m.name is not null)
    select name from m where name is not null"""


def find_run(reader: ReadOnly, text: str) -> RunRow:
    """The run with this id, or with an id that this is unique of; of a client, or with ``last`` of all, the newest.

    Usage error with the nearest ids when none or several match.
    """
    exact = stored_run(reader, text)
    found = exact or (_newest(reader) if text == LAST else None) or _newest_of_client(reader, text)
    if found:
        return found
    ids = (_beginning_with(reader, text) or _having(reader, text)) if text else []
    only = stored_run(reader, ids[0]) if len(ids) == 1 else None
    if only:
        return only
    if ids:
        more = " ..." if len(ids) > _SHOWN else ""
        raise usage_error(f"{text!r} fits several runs", f"say which: {', '.join(ids[:_SHOWN])}{more}")
    raise _unknown(reader, text)


def stored_run(reader: ReadOnly, run: str) -> RunRow | None:
    """The run with exactly this id."""
    return reader.record(RunRow.from_row, f"{_RUNS} where id = ?", (run,))


def _newest(reader: ReadOnly) -> RunRow | None:
    return reader.record(RunRow.from_row, f"{_RUNS} {_NEWEST}")


def _newest_of_client(reader: ReadOnly, text: str) -> RunRow | None:
    """The newest run of a client; of the latest of them where several masters have one of that name."""
    master, slash, client = text.rpartition("/")
    masters = [master] if slash else [name for (name,) in reader.each(_MASTERS)]
    sql = f"{_RUNS} where master = ? and client = ? {_NEWEST}"
    runs = [run for one in masters if (run := reader.record(RunRow.from_row, sql, (one, client)))]
    return max(runs, key=lambda run: run.started, default=None)


def _beginning_with(reader: ReadOnly, text: str) -> list[str]:
    sql = "select id from runs where id >= ? and id < ? order by id desc limit ?"
    return [run for (run,) in reader.each(sql, (text, text + "\U0010ffff", _SHOWN + 1))]


def _having(reader: ReadOnly, text: str) -> list[str]:
    sql = "select id from runs where instr(id, ?) > 0 order by id desc limit ?"
    return [run for (run,) in reader.each(sql, (text, _SHOWN + 1))]


def _unknown(reader: ReadOnly, text: str) -> NimwrapError:
    newest = [run for (run,) in reader.each("select id from runs order by started desc, rowid desc limit 200")]
    near = nearest_names(text, newest, 3, 0.5)
    beginning = text
    while not near and len(beginning) > 4:  # an old run: the ids that share its beginning
        beginning = beginning[:-1]
        near = _beginning_with(reader, beginning)[:3]
    hint = f"the nearest: {', '.join(near)}" if near else "`nimwrap history` lists the runs"
    return usage_error(f"there is no run {text!r}", hint)
