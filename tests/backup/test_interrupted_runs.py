"""When nimwrap goes away: by a signal, for good, or together with another one that wants the same client."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.cli.fleet_watch import FleetWatch
from nimwrap.cli.invocation import Invocation
from nimwrap.domain.clock import Clock
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.local_time import local_text
from nimwrap.estate import Estate
from tests.backup.evidence import nothing_left, only_run, writing
from tests.interrupting import survives
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import LIMIT_S, until


def test_a_signal_inside_the_waiting_itself_stops_nothing() -> None:
    watch, clock = FleetWatch(Invocation()), Clock()
    with watch.leaving(clock):
        leave = signal.getsignal(signal.SIGTERM)
        assert survives(lambda: clock.stop.wait(0.01), lambda: leave(signal.SIGTERM, None))
    assert watch.left_by == signal.SIGTERM
    assert clock.stop.wait(LIMIT_S)


@pytest.fixture
def slow(estate: Estate) -> Any:
    """An image waits in its middle for the test's word."""
    estate.hold_images("powerha1")
    return estate


def killed_while_writing(estate: Estate, tmp_path: Path, config: Path) -> None:
    """A backup of powerha1 whose nimwrap dies while the image is being written."""
    backup = begin(tmp_path, config, "backup", "powerha1")
    until(lambda: writing(estate), "the image is being written")
    backup.kill()
    backup.wait()


def test_with_the_control_host_gone_for_good_the_master_undoes_the_export_itself(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    before = slow.exports_text()
    config = estate_config()
    killed_while_writing(slow, tmp_path, config)
    assert slow.exports_text() != before, "the operation still runs, so the client is still let in"
    slow.release_images()
    until(lambda: list((slow.files("nim") / "var/adm/nimwrap").glob("*/done")), "the wrapper is done")
    assert slow.exports_text() == before, "nobody was connected"
    assert run_cli("recover", config=config).exit_code == 0
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    assert (run["outcome"], run["remedy"]) == ("ok", "own-mount")
    assert nothing_left(slow, run["image"]["location"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_says_what_goes_on_and_recover_adopts_it(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path, number: int, code: int
) -> None:
    config = estate_config(backup={"timeout": "2h"})
    backup = begin(tmp_path, config, "backup", "powerha1")
    until(lambda: writing(slow), "the image is being written")
    os.kill(backup.pid, number)
    _, stderr = backup.communicate(timeout=LIMIT_S)
    assert backup.returncode == code
    said = stderr.decode()
    assert "nimwrap recover" in said
    slow.release_images()
    assert run_cli("recover", config=config).exit_code == 0
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    until_then = local_text(parse_rfc3339(run["attempts"][0]["started"]) + timedelta(hours=2))
    assert f"powerha1 on nim until {until_then}" in said
    assert run["outcome"] == "ok"
    assert nothing_left(slow, run["image"]["location"])


def test_recover_does_not_touch_a_run_whose_owner_lives(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: writing(slow), "the image is being written")
    assert run_cli("recover", "--json", config=config).data == {"closed": [], "running": [], "cleaned": []}
    slow.release_images()
    backup.communicate(timeout=LIMIT_S)
    assert backup.returncode == 0


def test_the_second_nimwrap_on_the_same_client_is_locked_out(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    config = estate_config()
    first = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: writing(slow), "the image is being written")
    second = run_cli("backup", "powerha1", "--json", config=config)
    locked = only_run(second)
    assert (second.exit_code, locked["outcome"], locked["failure"]["code"]) == (11, "locked", "locked")
    other = run_cli("backup", "aix01", "--json", config=config)
    assert other.exit_code == 0, "another client is nobody's business"
    slow.release_images()
    first.communicate(timeout=LIMIT_S)
    assert first.returncode == 0


def test_cancel_ends_the_operation_client_side_first_and_leaves_nothing(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    before = slow.exports_text()
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: writing(slow), "the image is being written")
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    ran = run_cli("cancel", run["id"], "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    stdout, _ = backup.communicate(timeout=LIMIT_S)
    assert backup.returncode == 1
    (ended,) = run_cli("history", "--json", config=config).data["runs"]
    assert (ended["outcome"], ended["failure"]["code"]) == ("failed", "cancelled"), stdout
    assert slow.exports_text() == before
    assert nothing_left(slow)


def test_a_lost_history_is_written_again_from_the_spool(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    before = slow.exports_text()
    config = estate_config()
    killed_while_writing(slow, tmp_path, config)
    for file in (slow.root / "nimwrap").glob("history.db*"):
        file.unlink()
    slow.release_images()
    assert run_cli("recover", config=config).exit_code == 0
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    assert (run["client"], run["outcome"]) == ("powerha1", "ok")
    assert slow.exports_text() == before
    assert nothing_left(slow, run["image"]["location"])


def test_a_master_that_was_rebooted_is_named_as_the_cause(
    run_cli: Cli, slow: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    """As after a reboot: the wrapper is gone without a word, and the machine is up for a shorter time than it was."""
    before = slow.exports_text()
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "powerha1")
    until(lambda: writing(slow), "the image is being written")
    backup.kill()
    backup.wait()
    (room,) = (slow.files("nim") / "var/adm/nimwrap").glob("2*")
    os.kill(int((room / "pid").read_text()), signal.SIGKILL)
    (room / "boot").write_text("9000-00:00:00 20260101000000\n")
    run_cli("recover", config=config)
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    assert (run["outcome"], run["failure"]["code"]) == ("failed", "killed")
    assert "the master was rebooted" in run["failure"]["message"]
    assert slow.exports_text() == before
    assert nothing_left(slow)
