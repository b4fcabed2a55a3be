"""``nimwrap serve`` as a process: told to end, killed, told to read again, and beside another one."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from nimwrap.history.sqlite.queries import Reader
from tests.backup.evidence import writing
from tests.running import Cli, ConfigWriter, command, environment
from tests.waiting import LIMIT_S, until

FULL = Path("/dev/full")


class Manager:
    """A service manager: starts daemons, hears what they say, and leaves none behind."""

    def __init__(self, directory: Path, config: Path) -> None:
        self.directory, self.config = directory, config
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(str(directory / "notify"))
        self.channel.settimeout(LIMIT_S)
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.log_file = directory / "serve.log"

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        log = self.log_file.open("ab")
        known = environment(self.directory, NOTIFY_SOCKET=str(self.directory / "notify"), WATCHDOG_USEC="3000000")
        daemon = subprocess.Popen(command("serve", *options, config=self.config), env=known, stdout=log, stderr=log)
        log.close()
        self.daemons.append(daemon)
        return daemon

    def hears(self, text: str) -> str:
        """The first message with ``text`` in it from now on; the socket's timeout ends a test that has failed."""
        while True:
            message = self.channel.recv(65536).decode()
            if text in message:
                return message

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@pytest.fixture
def manager(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> Iterator[Manager]:
    then = datetime.now(UTC) - timedelta(minutes=2)
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "tonight.toml").write_text(
        f'[tonight]\ncron = "{then.minute} {then.hour} * * *"\ntargets = ["aix01", "aix02"]\ncatch_up = "1h"\n'
    )
    manager = Manager(tmp_path, estate_config(master={"max_parallel": 1}))
    yield manager
    for daemon in manager.daemons:
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
    manager.channel.close()


def states(estate: Estate) -> dict[str, str]:
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        return {row.client: row.state for row in reader.slots()}


def outcomes(estate: Estate) -> list[tuple[str, str]]:
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        return sorted((row.client, row.outcome) for row in reader.runs())


def settled(estate: Estate) -> bool:
    return states(estate) == {"aix01": "done", "aix02": "done"} and "running" not in dict(outcomes(estate)).values()


def test_it_runs_what_is_due_feeds_the_watchdog_and_ends_clean(estate: Estate, manager: Manager) -> None:
    daemon = manager.start()
    assert "next slot" in manager.hears("READY=1")
    manager.hears("WATCHDOG=1")
    manager.hears("STATUS=at work: tonight (2)")
    until(lambda: settled(estate), "both are backed up")
    assert outcomes(estate) == [("aix01", "ok"), ("aix02", "ok")]
    manager.hears("STATUS=idle")
    daemon.send_signal(signal.SIGTERM)
    manager.hears("STOPPING=1")
    assert daemon.wait(LIMIT_S) == 0


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_log_disk_ends_no_backup(estate: Estate, manager: Manager) -> None:
    manager.log_file = FULL
    daemon = manager.start()
    until(lambda: settled(estate), "both are backed up")
    assert outcomes(estate) == [("aix01", "ok"), ("aix02", "ok")]
    manager.hears("STATUS=idle")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(LIMIT_S) == 0


def test_sigterm_in_the_middle_leaves_the_image_to_the_next_start(estate: Estate, manager: Manager) -> None:
    estate.hold_images()
    daemon = manager.start("--drain", "0s")
    until(lambda: writing(estate), "the first image is being written")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(LIMIT_S) == 143
    assert sorted(states(estate).values()) == ["claimed", "started"]
    estate.release_images()
    manager.start()
    until(lambda: settled(estate), "the next one has adopted the image and made the other")
    assert outcomes(estate) == [("aix01", "ok"), ("aix02", "ok")]


def test_sigterm_waits_for_an_image_within_the_deadline_and_starts_no_other(estate: Estate, manager: Manager) -> None:
    estate.hold_images()
    daemon = manager.start("--drain", "1h")
    until(lambda: writing(estate), "the first image is being written")
    daemon.send_signal(signal.SIGTERM)
    manager.hears("STOPPING=1")
    estate.release_images()
    assert daemon.wait(LIMIT_S) == 0
    assert sorted(states(estate).values()) == ["claimed", "done"]
    assert [outcome for _, outcome in outcomes(estate)] == ["ok"]


def test_sigkill_in_the_middle_loses_nothing(estate: Estate, manager: Manager) -> None:
    estate.hold_images()
    daemon = manager.start()
    until(lambda: writing(estate), "the first image is being written")
    daemon.kill()
    daemon.wait()
    estate.release_images()
    manager.start()
    until(lambda: settled(estate), "the image is adopted, the other client has its turn")
    assert outcomes(estate) == [("aix01", "ok"), ("aix02", "ok")]


def test_sighup_with_a_broken_file_keeps_the_old_configuration(manager: Manager, tmp_path: Path) -> None:
    schedule = tmp_path / "schedules" / "tonight.toml"
    good = schedule.read_text()
    daemon = manager.start()
    manager.hears("READY=1")
    schedule.write_text(good.replace("cron", "corn"))
    daemon.send_signal(signal.SIGHUP)
    manager.hears("RELOADING=1")
    assert "configuration refused, the old one stays" in manager.hears("READY=1")
    assert 'tonight.toml:2: unknown key "corn"' in manager.log
    schedule.write_text(good.replace("tonight", "tomorrow"))
    daemon.send_signal(signal.SIGHUP)
    manager.hears("RELOADING=1")
    assert "refused" not in manager.hears("READY=1")
    assert daemon.poll() is None


def test_a_second_daemon_on_the_same_history_is_refused(manager: Manager, run_cli: Cli) -> None:
    manager.start()
    manager.hears("READY=1")
    second = run_cli("serve", config=manager.config)
    assert second.exit_code == 11
    assert "another `nimwrap serve`" in second.stderr


def test_a_wrong_configuration_ends_it_at_once(run_cli: Cli, manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "schedules" / "more.toml").write_text("[more]\n")
    ran = run_cli("serve", config=manager.config)
    assert ran.exit_code == 78
    assert "more.toml:1" in ran.stderr
    assert run_cli("serve", "--drain", "soon", config=manager.config).exit_code == 2
