"""Finding the run that a person means by an id or the beginning of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.domain.did_you_mean import nearest_names
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.sqlite.codec import Row

if TYPE_CHECKING:
    from nimwrap.history.sqlite.connection import ReadOnly

_SHOWN = 5


def find_run(reader: ReadOnly, text: str) -> Row:
    """The run with this id or unique beginning; usage error with the nearest ids when none or several match."""
    exact = reader.row("select * from runs where id = ?", (text,))
    if exact:
        return exact
    ids = _beginning_with(reader, text) if text else []
    if len(ids) == 1:
        return reader.rows("select * from runs where id = ?", (ids[0],))[0]
    if ids:
        more = " ..." if len(ids) > _SHOWN else ""
        raise usage_error(f"several runs begin with {text!r}", f"say which: {', '.join(ids[:_SHOWN])}{more}")
    raise _unknown(reader, text)


def _beginning_with(reader: ReadOnly, text: str) -> list[str]:
    sql = "select id from runs where id >= ? and id < ? order by id desc limit ?"
    return [row["id"] for row in reader.rows(sql, (text, text + "\U0010ffff", _SHOWN + 1))]


def _unknown(reader: ReadOnly, text: str) -> NimwrapError:
    newest = [row["id"] for row in reader.rows("select id from runs order by started desc, rowid desc limit 200")]
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
