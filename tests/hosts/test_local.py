"""The local host with real shells: outcome, output, time, and what lives on."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from nimwrap.config.model import MasterConfig
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.bounded_output import Bounded
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.local import LocalHost
from nimwrap.hosts.script_batch import PREAMBLE
from tests.hosts.masters import executable

SHELLS = [found for shell in ("dash", "bash", "ksh") if (found := shutil.which(shell))]


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest) -> LocalHost:
    return LocalHost("nim", str(request.param))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_came_of_it(host: LocalHost) -> None:
    result = host.run("echo out\necho err >&2\nprintf '\\351t\\303\\251'; pwd; exit 9")
    assert (result.returncode, result.stdout, result.stderr) == (9, "out\n\ufffdté/\n", "err\n")
    assert not result.succeeded and result.duration_s < 5


def test_a_signal_is_a_status_as_a_shell_tells_it(host: LocalHost) -> None:
    assert host.run("kill -9 $$").returncode == 137


def test_input_is_empty(host: LocalHost) -> None:
    assert host.run("cat; echo end", timeout=5).stdout == "end\n"


@pytest.mark.parametrize("size", [30_000, 300_000])
def test_long_scripts(host: LocalHost, size: int) -> None:
    result = host.run(f"cat\nx='{'é' * (size // 2)}'\necho \"it's ${{#x}}\"; cat; exit 4", timeout=20)
    assert (result.returncode, result.stderr) == (4, "")
    assert result.stdout.startswith("it's ")


def test_a_passed_timeout_is_an_unknown_outcome_and_ends_the_script(host: LocalHost, tmp_path: Path) -> None:
    began = time.monotonic()
    result = host.run(f"echo $$ > {tmp_path}/pid; echo partial; sleep 600", timeout=0.5)
    assert time.monotonic() - began < 300
    assert (result.returncode, result.stdout) == (None, "partial\n")
    assert not alive(int((tmp_path / "pid").read_text()))


def test_what_was_detached_survives_a_passed_timeout(host: LocalHost, tmp_path: Path) -> None:
    script = f"nohup sleep 600 </dev/null >/dev/null 2>&1 & echo $! > {tmp_path}/pid; sleep 600"
    assert host.run(script, timeout=0.5).returncode is None
    pid = int((tmp_path / "pid").read_text())
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_child_that_keeps_the_output_open_does_not_keep_us(host: LocalHost, tmp_path: Path) -> None:
    began = time.monotonic()
    result = host.run(f"sleep 600 & echo $! > {tmp_path}/pid; echo done", timeout=600)
    assert (result.returncode, result.stdout) == (0, "done\n")
    assert time.monotonic() - began < 300
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_output_is_bounded_and_fast(host: LocalHost) -> None:
    result = host.run("dd if=/dev/zero bs=1048576 count=40 2>/dev/null; echo; echo the end", timeout=60)
    assert len(result.stdout) < 17 * 1024 * 1024
    assert result.stdout.endswith("\nthe end\n") and "bytes left out" in result.stdout
    assert result.duration_s < 10


def test_nothing_of_systemd_reaches_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    assert LocalHost("nim", "/bin/sh").run('echo "<$NOTIFY_SOCKET>"').stdout == "<>\n"


def test_a_missing_shell_is_named() -> None:
    with pytest.raises(NimwrapError, match="/no/such/shell") as caught:
        LocalHost("nim", "/no/such/shell").run("true")
    assert (caught.value.code, caught.value.exit_code) == ("master_unreachable", 12)


@pytest.mark.parametrize(
    ("sudo", "said"),
    [
        ("echo 'sudo: a password is required' >&2; exit 1", "a password is required"),
        ("echo 'Sorry, user nimwrap is not allowed to execute this.' >&2; exit 1", "not allowed to execute"),
        (None, "not found"),
    ],
)
def test_sudo_that_does_not_let_us_is_a_refused_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sudo: str | None, said: str
) -> None:
    if sudo:
        executable(tmp_path / "sudo", f"#!/bin/sh\n{sudo}\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NimwrapError, match=said) as caught:
        LocalHost("nim", "/bin/sh", "sudo").run("true")
    assert (caught.value.code, caught.value.exit_code) == ("login_refused", 12)
    assert "NOPASSWD" in caught.value.hint


def test_sudo_runs_the_script_and_a_failure_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "sudo", f'#!/bin/sh\necho "$*" | head -1 > {tmp_path}/seen; shift; exec "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = LocalHost("nim", "/bin/sh", "sudo").run('echo "it\'s"; echo why >&2; exit 1')
    assert (result.returncode, result.stdout, result.stderr) == (1, "it's\n", "why\n")
    assert (tmp_path / "seen").read_text().startswith("-n /bin/sh -c ")


def test_sudo_may_be_named_by_its_path(tmp_path: Path) -> None:
    executable(tmp_path / "sudo", '#!/bin/sh\nshift; exec "$@"\n')
    assert LocalHost("nim", "/bin/sh", str(tmp_path / "sudo")).run("echo root").stdout == "root\n"


def test_output_keeps_its_beginning_and_its_end() -> None:
    kept = Bounded(100)
    for number in range(1000):
        kept.add(b"%03d " % number)
    text = kept.text()
    assert text.startswith("000 001 ") and text.endswith("998 999 ")
    assert "[nimwrap: 38" in text and len(text) < 200


def test_each_command_passes_two_failpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[str] = []
    monkeypatch.setattr("nimwrap.hosts.connect.failpoint", passed.append)
    host = open_master(MasterConfig("nim", transport="local"))
    assert host.run(PREAMBLE + "echo @@0123456789ab\n").stdout == "@@0123456789ab\n"
    assert passed == ["host.run before nim: echo @@NONCE", "host.run after nim: echo @@NONCE"]


def test_without_fabric_the_other_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nimwrap.hosts.connect.find_spec", lambda name: None)
    with pytest.raises(NimwrapError, match="Fabric") as caught:
        open_master(MasterConfig("nim", "ssh", "master"))
    assert caught.value.exit_code == 78 and "openssh" in caught.value.hint


@pytest.mark.parametrize("bad", [MasterConfig("nim", host="-oProxyCommand=id"), MasterConfig("nim", "telnet", "nim")])
def test_a_master_that_cannot_be_addressed(bad: MasterConfig) -> None:
    with pytest.raises(NimwrapError) as caught:
        open_master(bad)
    assert (caught.value.code, caught.value.exit_code) == ("config_invalid", 78)


def test_a_sudo_that_hangs_is_named_and_nothing_is_taken_for_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "sudo", "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = LocalHost("nim", "/bin/sh", "sudo").run("true", timeout=0.5)
    assert result.unknown, "it may begin the script yet"
    assert "sudo has not begun the script" in result.stderr
