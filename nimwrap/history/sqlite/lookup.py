"""Finding the run that a person means by an id or the beginning of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.domain.did_you_mean import nearest_names
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.model import RunRow
from nimwrap.history.sqlite.connection import select

if TYPE_CHECKING:
    from nimwrap.history.sqlite.connection import ReadOnly

_SHOWN = 5


def find_run(reader: ReadOnly, text: str) -> RunRow:
    """The run with this id or unique beginning; usage error with the nearest ids when none or several match."""
    exact = stored_run(reader, text)
    if exact:
        return exact
    ids = _beginning_with(reader, text) if text else []
    only = stored_run(reader, ids[0]) if len(ids) == 1 else None
    if only:
        return only
    if ids:
        more = " ..." if len(ids) > _SHOWN else ""
        raise usage_error(f"several runs begin with {text!r}", f"say which: {', '.join(ids[:_SHOWN])}{more}")
    raise _unknown(reader, text)


def stored_run(reader: ReadOnly, run: str) -> RunRow | None:
    """The run with exactly this id."""
    return reader.record(RunRow.from_row, f"{select(RunRow._fields, 'runs')} where id = ?", (run,))


def _beginning_with(reader: ReadOnly, text: str) -> list[str]:
    sql = "select id from runs where id >= ? and id < ? order by id desc limit ?"
    return [run for (run,) in reader.each(sql, (text, text + "\U0010ffff", _SHOWN + 1))]


def _unknown(reader: ReadOnly, text: str) -> NimwrapError:
    newest = [run for (run,) in reader.each("select id from runs order by started desc, rowid desc limit 200")]
    near = nearest_names(text, newest, 3, 0.5)
    beginning = text
    while not near and len(beginning) > 4:  # an old run: the ids that share its beginning
        beginning = beginning[:-1]
        near = _beginning_with(reader, beginning)[:3]
    own = [run for run in newest if text and f"-{text}-" in run]
    if own:
        hint = f"the newest run of {text} is {own[0]}; `nimwrap history {text}` lists them all"
    elif near:
        hint = f"the nearest: {', '.join(near)}"
    else:
        hint = "`nimwrap history` lists the runs"
    return usage_error(f"there is no run {text!r}", hint)
