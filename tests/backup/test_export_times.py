"""The journal says when an export was open, by the master's clock, and already while it is."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.estate import Estate
from tests.backup.evidence import writing
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import LIMIT_S, until

AHEAD = timedelta(hours=2)


@pytest.fixture
def ahead(estate: Estate) -> Any:
    """The master's clock is two hours ahead of ours; an image waits in its middle for the test's word."""
    date = estate.files("nim") / "usr/bin/date"
    date.unlink()
    date.write_text(f"#!/bin/sh\nexec {shutil.which('date')} -d '2 hours' \"$@\"\n")
    date.chmod(0o755)
    estate.hold_images("powerha1")
    return estate


@pytest.mark.parametrize("remedy", ["own-mount", "pre-export"])
def test_the_export_is_applied_while_it_is_open_and_the_times_are_the_masters(
    run_cli: Cli, ahead: Any, estate_config: ConfigWriter, tmp_path: Path, remedy: str
) -> None:
    config = estate_config(backup={"remedies": [remedy]})
    began = datetime.now(UTC).replace(microsecond=0)

    def journal() -> Any:
        (change,) = run_cli("exports", "list", "--json", config=config).data["changes"]
        return change

    backup = begin(tmp_path, config, "backup", "powerha1")
    until(lambda: writing(ahead), "the image is being written")
    open_now = until(lambda: (found := journal())["state"] == "applied" and found, "the journal has it open")
    assert open_now["reverted"] is None
    assert "access" in open_now["after"]
    assert run_cli("status", "--json", config=config).exit_code in (0, 1)
    ahead.release_images()
    backup.communicate(timeout=LIMIT_S)
    ended = journal()
    assert (ended["state"], ended["applied"]) == ("reverted", open_now["applied"])
    applied, reverted = parse_rfc3339(ended["applied"]), parse_rfc3339(ended["reverted"])
    assert began + AHEAD <= applied <= reverted <= datetime.now(UTC) + AHEAD


def test_an_undo_whose_room_is_gone_has_the_masters_time_too(
    run_cli: Cli, ahead: Any, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1")
    until(lambda: writing(ahead), "the image is being written")
    backup.kill()
    backup.wait()
    rooms = (ahead.files("nim") / "var/adm/nimwrap").glob("2*")
    ahead.release_images()
    for room in rooms:
        until(lambda room=room: (room / "done").exists(), "the wrapper is done")
        shutil.rmtree(room)
    began = datetime.now(UTC).replace(microsecond=0)
    assert run_cli("recover", config=config).exit_code == 0
    (change,) = run_cli("exports", "list", "--json", config=config).data["changes"]
    assert change["state"] == "reverted"
    assert began + AHEAD <= parse_rfc3339(change["reverted"]) <= datetime.now(UTC) + AHEAD
