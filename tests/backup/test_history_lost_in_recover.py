"""A history that cannot be read while recover looks at what lies in the spool: nothing there is taken for another's."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from nimwrap.backup.recovery import recover
from nimwrap.config.load import load
from nimwrap.estate import Estate
from nimwrap.fleet.session import open_session
from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.history.sqlite.queries import Reader
from tests.backup.evidence import only_run
from tests.running import Cli, ConfigWriter


class Failing(Reader):
    """A history in which runs cannot be looked up any more, as when it is locked or damaged meanwhile."""

    code = sqlite3.SQLITE_OK

    def query(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if self.code and " from runs where id = " in sql:
            error = sqlite3.DatabaseError("the disk image is malformed")
            error.sqlite_errorcode = self.code  # type: ignore[misc]  # as SQLite itself sets it
            raise error
        return super().query(sql, parameters)


@pytest.mark.parametrize(
    ("code", "told"), [(sqlite3.SQLITE_BUSY, "history_locked"), (sqlite3.SQLITE_CORRUPT, "history_damaged")]
)
def test_a_locked_or_damaged_history_is_an_error_and_the_spool_is_left_alone(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, code: int, told: str
) -> None:
    config = estate_config()
    run = only_run(run_cli("backup", "powerha1", "--json", config=config))
    spool = estate.files("nim") / "var/adm/nimwrap"
    room = spool / f"{run['id']}.left-1"
    room.mkdir()
    for name, text in {
        "plan": "{}\n",
        "undo": "echo reverted >> undone\n",
        "rc": "0\n",
        "done": "20200101000000\n",
    }.items():
        (room / name).write_text(text)
    with open_session(load(config)) as session, Failing(session.config.database) as reader:
        reader.code = code
        context = replace(session.master_context("nim"))
        with pytest.raises(StoreUnavailable) as error:
            recover(context, reader, wait=False)
        assert error.value.code == told
        assert not (room / "undone").exists()
        assert room.exists()
        reader.code = sqlite3.SQLITE_OK
        shutil.rmtree(room)
        assert recover(context, reader, wait=False).notes == []
