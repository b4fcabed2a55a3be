"""Two installations on one host, with one master: neither takes what the other has begun, dead or alive."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from nimwrap.estate import Estate
from tests.backup.evidence import nothing_left, writing
from tests.faults.hands import confirm_hand
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import until

NOTHING = {"closed": [], "running": [], "cleaned": []}


def test_a_run_of_another_installation_is_left_until_somebody_says_its_name(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    """Same host, same user, its nimwrap killed: only the id in ``state_dir`` tells them apart."""
    before = estate.exports_text()
    estate.hold_images("powerha1")
    first = estate_config()
    second = tmp_path / "second.toml"
    second.write_text(estate.config(state_dir=str(tmp_path / "second")))
    backup = begin(tmp_path, first, "backup", "powerha1")
    until(lambda: writing(estate), "the image is being written")
    backup.kill()
    backup.wait()
    spool = estate.files("nim") / "var/adm/nimwrap"
    (room,) = spool.glob("2*")
    installation = (estate.root / "nimwrap/installation").read_text().strip()
    assert (room / "owner").read_text().strip().endswith(f" installation {installation}")
    assert run_cli("recover", "--json", config=second).data == NOTHING
    assert (tmp_path / "second/installation").read_text().strip() != installation
    living = run_cli("recover", "--foreign", room.name, "--json", config=second)
    assert (living.exit_code, living.codes) == (11, ["locked"])
    estate.release_images()
    until((room / "done").exists, "the wrapper is done")
    assert run_cli("recover", "--json", config=second).data == NOTHING
    fresh = run_cli("recover", "--foreign", room.name, "--json", config=second)
    assert (fresh.exit_code, fresh.codes) == (11, ["locked"])
    confirm_hand("installation", "left alone", f"`recover --foreign RUN`: {fresh.codes[0]}, until it is proven dead")
    assert room.exists()
    (spool / "locks/powerha1/heartbeat").write_text("20200101000000\n")
    taken = run_cli("recover", "--foreign", room.name, "--json", config=second)
    assert (taken.exit_code, taken.data["closed"]) == (0, [room.name]), taken.stdout
    (run,) = run_cli("history", "--json", config=second).data["runs"]
    assert (run["client"], run["outcome"]) == ("powerha1", "ok")
    assert estate.exports_text() == before
    assert nothing_left(estate, run["image"]["location"])


def test_a_name_that_no_spool_has_is_a_usage_error(run_cli: Cli, estate_config: ConfigWriter) -> None:
    ran = run_cli("recover", "--foreign", "20200101T000000-powerha1-0000", "--json", config=estate_config())
    assert (ran.exit_code, ran.codes) == (2, ["usage"])


def test_an_undo_that_somebody_took_away_is_made_again_from_the_journal(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    """No undo in the spool is no undone export: the sin was "reverted" in the journal beside an open export."""
    before = estate.exports_text()
    estate.hold_images("powerha1")
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: writing(estate), "the image is being written")
    (room,) = (estate.files("nim") / "var/adm/nimwrap").glob("2*")
    (room / "undo").unlink()
    estate.release_images()
    backup.communicate(timeout=120)
    assert estate.exports_text() == before
    (change,) = run_cli("exports", "list", "--json", config=config).data["changes"]
    assert change["state"] == "reverted"
    confirm_hand("undo-gone", "undone from the journal", f"`exports list`: {change['state']}")


def test_an_undo_that_somebody_emptied_says_nothing(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    """An empty script ends with status 0; only what the undo itself read of the export counts."""
    before = estate.exports_text()
    estate.hold_images("powerha1")
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: writing(estate), "the image is being written")
    os.kill(backup.pid, signal.SIGKILL)
    backup.communicate()
    (room,) = (estate.files("nim") / "var/adm/nimwrap").glob("2*")
    (room / "undo").write_text("")
    estate.release_images()
    until((room / "done").exists, "the wrapper is done")
    assert run_cli("recover", config=config).exit_code == 0
    assert estate.exports_text() == before
    (change,) = run_cli("exports", "list", "--json", config=config).data["changes"]
    assert change["state"] == "reverted"
    confirm_hand("undo-empty", "undone from the journal by `recover`", f"`exports list`: {change['state']}")
