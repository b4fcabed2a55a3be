"""A room put aside belongs to one attempt; cleaning it never touches what a later attempt of the run has made."""

from __future__ import annotations

import sqlite3

from nimwrap.estate import Estate
from tests.backup.evidence import only_run
from tests.running import Cli, ConfigWriter


def test_a_room_of_a_failed_attempt_does_not_cost_the_good_image_of_the_next(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.behaviour("replace")
    config = estate_config(backup={"remedies": ["pre-export", "own-mount"]})
    run = only_run(run_cli("backup", "powerha1", "--json", config=config))
    assert [attempt["remedy"] for attempt in run["attempts"]] == ["pre-export", "own-mount"]
    with sqlite3.connect(estate.root / "nimwrap/history.db") as database:
        (stored,) = database.execute(
            "select plan from attempts where run = ? order by number limit 1", (run["id"],)
        ).fetchone()
    room = estate.files("nim") / f"var/adm/nimwrap/{run['id']}.left-1"
    room.mkdir(parents=True)
    (room / "plan").write_text(stored)
    (room / "rc").write_text("175\n")
    (room / "done").write_text("20261123000000\n")
    (room / "image").write_text("/export/nim/mksysb/powerha1/gone.mksysb\n")
    run_cli("recover", "--json", config=config)
    image = run["image"]
    assert estate.objects()[image["resource"]]["location"] == image["location"]
    assert (estate.files("nim") / image["location"].lstrip("/")).exists()
    assert not room.exists()
