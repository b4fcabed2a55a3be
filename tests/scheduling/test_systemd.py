"""What the service manager hears, and what it makes of our unit files."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from nimwrap.service.systemd import Notifier
from tests.running import Cli

UNITS = Path(__file__).parents[2] / "systemd"
analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_one_datagram_with_all_lines_reaches_the_socket(tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@nimwrap-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        manager.bind(address.replace("@", "\0") if kind == "abstract" else address)
        notifier = Notifier(address)
        notifier.ready("idle\nREADY=0")
        assert manager.recv(4096) == b"READY=1\nSTATUS=idle READY=0"
        notifier.reloading()
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", manager.recv(4096))
        notifier.watchdog()
        assert manager.recv(4096) == b"WATCHDOG=1"
        notifier.stopping("bye")
        assert manager.recv(4096) == b"STOPPING=1\nSTATUS=bye"


def test_a_manager_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nobody")).ready("idle")
    Notifier().ready("idle")


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "120000000"}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_children_inherit_nothing_of_it(environment: dict[str, str], watchdog_s: float | None) -> None:
    environment |= {"NOTIFY_SOCKET": "/run/systemd/notify", "PATH": "/usr/bin"}
    notifier = Notifier.from_environment(environment)
    assert (notifier.address, notifier.watchdog_s) == ("/run/systemd/notify", watchdog_s)
    assert environment == {"PATH": "/usr/bin"}


def stubbed(directory: Path) -> list[Path]:
    """Our units in a directory of their own, with a nimwrap that exists."""
    stub = directory / "nimwrap"
    stub.write_text("#!/bin/sh\nexit 0\n")
    stub.chmod(0o755)
    for unit in UNITS.iterdir():
        (directory / unit.name).write_text(unit.read_text().replace("/usr/local/bin/nimwrap", str(stub)))
    return sorted(path for path in directory.iterdir() if path.suffix in (".service", ".timer"))


@analyze
def test_systemd_analyze_verify_is_clean(tmp_path: Path) -> None:
    units = stubbed(tmp_path)
    assert len(units) == 6
    for unit in units:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)],
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            capture_output=True,
            text=True,
            check=False,
        )
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "nimwrap" in line]
        assert (done.returncode, ours) == (0, []), (unit.name, done.stderr)


@analyze
@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda path: path.name)
def test_every_service_is_hardened(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert score is not None, done.stderr
    assert float(score[1]) <= 1.5
    assert done.returncode == 0


def test_the_daemon_is_watched_and_reloads() -> None:
    unit = (UNITS / "nimwrap.service").read_text().splitlines()
    for line in ("Type=notify", "WatchdogSec=120", "ExecReload=/bin/kill -HUP $MAINPID"):
        assert line in unit
    for path in UNITS.glob("*.service"):
        lines = path.read_text().splitlines()
        assert "LoadCredential=ssh-key:/etc/credstore/nimwrap.ssh-key" in lines
        assert "User=nimwrap" in lines
        if "notify" not in path.name:
            assert "SuccessExitStatus=75 143" in lines
            assert "OnFailure=nimwrap-notify@%n.service" in lines


COMMANDS = sorted(
    {
        tuple(word for word in words.split() if re.fullmatch(r"[a-z]+(-[a-z]+)*", word))
        for path in UNITS.glob("*.service")
        for words in re.findall(r"^Exec\w+=/usr/local/bin/nimwrap --config \S+ (.*)$", path.read_text(), re.MULTILINE)
    }
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_commands_of_the_units_exist(words: tuple[str, ...], run_cli: Cli) -> None:
    assert run_cli(*words, "--help").exit_code == 0
