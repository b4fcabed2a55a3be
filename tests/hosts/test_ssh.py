"""Both SSH transports against a real sshd: every way to fail, and the speed of those that do not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.model import MasterConfig
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.protocol import Host
from tests.hosts.sshd import Sshd, free_port, make_key, needs_sshd

SH = {"shell": "/bin/sh"}
pytestmark = [pytest.mark.sshd, needs_sshd]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=["ssh", "openssh"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def reached(server: Sshd, transport: str, **keys: Any) -> Iterator[Host]:
    host = open_master(MasterConfig("nim", **{**server.master_keys(), "transport": transport, **keys}))
    try:
        yield host
    finally:
        host.close()


def refusal(server: Sshd, transport: str, **keys: Any) -> NimwrapError:
    with reached(server, transport, **keys) as host, pytest.raises(NimwrapError) as caught:
        host.run("echo must not run")
    assert caught.value.exit_code == 12
    return caught.value


def test_what_came_of_it(server: Sshd, transport: str) -> None:
    with reached(server, transport) as host:
        result = host.run("echo out; printf '\\351\\303\\251' >&2; cat; exit 9")
        assert (result.returncode, result.stdout, result.stderr) == (9, "out\n", "\ufffdé")
        assert host.run("exit 255").returncode == 255
        assert host.run("echo no newline at the end >&2; printf x").stderr == "no newline at the end\n"
        assert host.run("if then fi").returncode not in (0, None)


def test_a_script_longer_than_a_command_line(server: Sshd, transport: str) -> None:
    with reached(server, transport) as host:
        result = host.run(f"cat; x='{'y' * 200_000}'\necho \"it's ${{#x}}\"; cat\nexit 3", timeout=20)
    assert (result.returncode, result.stdout, result.stderr) == (3, "it's 200000\n", "")


def test_an_unknown_host_key_is_refused(server: Sshd, transport: str, tmp_path: Path) -> None:
    for content in ("", f"other {Path(f'{server.host_key}.pub').read_text()}", None):
        file = tmp_path / "known hosts 100%"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
        error = refusal(server, transport, known_hosts=str(file))
        assert error.code == "host_key_changed" and "not known" in error.message
        assert f"ssh-keygen -F '[127.0.0.1]:{server.port}' -f '{file}'" in error.hint
        assert f"ssh-keyscan -p {server.port} 127.0.0.1" in error.hint
        assert content is None or file.read_text() == content


def test_a_changed_host_key_is_refused_also_after_a_good_start(tmp_path: Path, transport: str) -> None:
    with Sshd(tmp_path / "changing") as server, reached(server, transport) as host:
        assert host.run("echo ok").succeeded
        server.change_host_key()
        with pytest.raises(NimwrapError) as caught:
            host.run("echo must not run")
        assert (caught.value.code, caught.value.exit_code) == ("host_key_changed", 12)
        assert f"is not the one in {server.known_hosts}" in caught.value.message and "SHA256:" in caught.value.message
        assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in caught.value.hint


def test_the_printed_lines_let_the_right_key_in(server: Sshd, transport: str, tmp_path: Path) -> None:
    file = tmp_path / "known"
    hint = refusal(server, transport, known_hosts=str(file)).hint
    line = hint[hint.rindex("ssh-keyscan") :]
    subprocess.run(["sh", "-c", line], check=True, capture_output=True)
    with reached(server, transport, known_hosts=str(file)) as host:
        assert host.run("true").succeeded


def test_a_key_that_the_server_does_not_know(server: Sshd, transport: str, tmp_path: Path) -> None:
    error = refusal(server, transport, identity_file=str(make_key(tmp_path / "stranger")))
    assert error.code == "login_refused" and "authorized_keys" in error.hint


@pytest.mark.parametrize("identity", ["/no/such/key", "credential:absent"])
def test_a_key_that_is_not_there(server: Sshd, transport: str, identity: str) -> None:
    assert refusal(server, transport, identity_file=identity).code == "login_refused"


def test_a_file_that_is_no_key(server: Sshd, transport: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("this is not a key\n")
    bad.chmod(0o600)
    assert refusal(server, transport, identity_file=str(bad)).code == "login_refused"


def test_a_key_with_a_passphrase(server: Sshd, transport: str, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret words", "-f", key], check=True, capture_output=True)
    assert refusal(server, transport, identity_file=str(key)).code == "login_refused"


def test_a_systemd_credential_is_the_key(server: Sshd, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(server.root))
    with reached(server, transport, identity_file="credential:user_key") as host:
        assert host.run("true").succeeded


def test_nobody_listens(server: Sshd, transport: str) -> None:
    error = refusal(server, transport, port=free_port())
    assert error.code == "master_unreachable" and "refused" in error.message


def test_a_name_that_does_not_resolve(server: Sshd, transport: str) -> None:
    assert refusal(server, transport, host="no-such-host.invalid").code == "master_unreachable"


def test_a_server_that_hangs_up_at_once(server: Sshd, transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            while True:
                try:
                    rude.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        assert refusal(server, transport, port=rude.getsockname()[1]).code == "master_unreachable"
        rude.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_login_shell_that_runs_nothing(tmp_path: Path, transport: str) -> None:
    message = "3004-610 You are required to change your password."
    with Sshd(tmp_path / "expired", force_command=f"echo '{message}'; exit 1") as server:
        error = refusal(server, transport)
    assert error.code == "login_refused" and message in error.message


def test_sudo_is_missing(tmp_path: Path, transport: str) -> None:
    command = 'PATH=/nowhere; export PATH; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'
    with Sshd(tmp_path / "nosudo", force_command=command) as server:
        error = refusal(server, transport, become="sudo")
    assert error.code == "login_refused" and "sudo" in error.message and "NOPASSWD" in error.hint


def test_sudo_runs_the_script(tmp_path: Path, transport: str) -> None:
    (tmp_path / "sudo").write_text('#!/bin/sh\nshift; exec "$@"\n')
    (tmp_path / "sudo").chmod(0o755)
    command = f'PATH={tmp_path}:$PATH; export PATH; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'
    with (
        Sshd(tmp_path / "sshd", force_command=command) as server,
        reached(server, transport, become="sudo", **SH) as host,
    ):
        assert host.run('echo "it\'s fine"; exit 1').stdout == "it's fine\n"
        long = host.run(f": {'x' * 30_000}\necho long; exit 4")
        assert (long.returncode, long.stdout) == (4, "long\n")


def test_a_connection_lost_on_the_way_is_unknown_and_the_next_command_has_a_new_one(
    tmp_path: Path, transport: str
) -> None:
    with Sshd(tmp_path / "dying") as server, reached(server, transport) as host:
        assert host.run("true").succeeded
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(host.run, f"echo started; echo > {tmp_path}/begun; sleep 600")
            wait_for(tmp_path / "begun")
            server.signal_sessions(signal.SIGKILL)
            result = running.result(300)
        assert result.returncode is None and result.stdout == "started\n"
        assert host.run("echo again").stdout == "again\n"


def test_a_connection_that_died_while_idle_is_replaced_unseen(tmp_path: Path, transport: str) -> None:
    with Sshd(tmp_path / "dying") as server, reached(server, transport) as host:
        for _ in range(3):
            assert host.run("echo ok").stdout == "ok\n"
            server.signal_sessions(signal.SIGKILL)


def test_a_frozen_server_costs_the_timeout_and_no_more(tmp_path: Path, transport: str) -> None:
    with Sshd(tmp_path / "frozen") as server, reached(server, transport) as host:
        assert host.run("true").succeeded
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(host.run, f"echo > {tmp_path}/begun; sleep 600", timeout=3)
            wait_for(tmp_path / "begun")
            server.signal_sessions(signal.SIGSTOP)
            began = time.monotonic()
            assert running.result(300).returncode is None
        assert time.monotonic() - began < 300
        assert host.run("echo fresh").stdout == "fresh\n"
        server.signal_sessions(signal.SIGCONT)


def test_a_timeout_leaves_the_command_running(server: Sshd, transport: str, tmp_path: Path) -> None:
    with reached(server, transport) as host:
        result = host.run(f"echo $$ > {tmp_path}/pid; echo partial; sleep 600", timeout=1)
        assert (result.returncode, result.stdout) == (None, "partial\n")
        assert host.run("echo next").stdout == "next\n"
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_child_that_keeps_the_channel_open_does_not_keep_us(server: Sshd, transport: str, tmp_path: Path) -> None:
    with reached(server, transport) as host:
        began = time.monotonic()
        result = host.run(f"sleep 600 & echo $! > {tmp_path}/pid; echo done; exit 5", timeout=600)
        assert (result.returncode, result.stdout) == (5, "done\n")
        assert time.monotonic() - began < 300
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_eight_threads_on_a_server_with_two_sessions(tmp_path: Path, transport: str) -> None:
    options = "MaxSessions 2\nMaxStartups 4:100:4"
    with (
        Sshd(tmp_path / "narrow", options=options) as server,
        reached(server, transport) as host,
        ThreadPoolExecutor(8) as pool,
    ):
        results = list(pool.map(lambda n: host.run(f"echo {n}; sleep 0.1").stdout, range(40)))
    assert results == [f"{n}\n" for n in range(40)]


def test_megabytes_are_bounded(server: Sshd, transport: str) -> None:
    with reached(server, transport) as host:
        two = host.run("dd if=/dev/zero bs=1024 count=2048 2>/dev/null | tr '\\000' x; echo; echo end")
        assert len(two.stdout) == 2048 * 1024 + 5 and two.stdout.endswith("\nend\n")
        many = host.run("dd if=/dev/zero bs=1048576 count=30 2>/dev/null; echo; echo end", timeout=60)
        assert len(many.stdout) < 17 * 1024 * 1024 and many.stdout.endswith("\nend\n")


def test_fifty_commands_in_a_row_take_one_connection(server: Sshd, transport: str) -> None:
    with reached(server, transport) as host:
        said = [host.run(f"echo {number} $SSH_CONNECTION").stdout.split() for number in range(50)]
    assert [number for number, *_ in said] == [str(number) for number in range(50)]
    assert len({tuple(connection) for _, *connection in said}) == 1


def jump_config(path: Path, gateway: Sshd, known: Path) -> Path:
    path.write_text(
        f"Host gate\n  HostName 127.0.0.1\n  Port {gateway.port}\n  User {gateway.user}\n"
        f"  IdentityFile {gateway.user_key}\n  StrictHostKeyChecking no\n"
        f"Host 127.0.0.1 inner\n  ProxyJump gate\n  HostName 127.0.0.1\n"
        f"Host *\n  UserKnownHostsFile {known}\n"
    )
    return path


def test_through_a_jump_host(server: Sshd, transport: str, tmp_path: Path) -> None:
    with Sshd(tmp_path / "gate") as gate:
        known = tmp_path / "known"
        known.write_text(gate.known_hosts.read_text() + server.known_hosts.read_text())
        keys = {"known_hosts": str(known), "ssh_config": str(jump_config(tmp_path / "conf", gate, known))}
        with reached(server, transport, host="inner", **keys) as host:
            assert host.run("echo through").stdout == "through\n"
        assert "Accepted publickey" in gate.log.read_text()


def test_a_jump_host_with_an_unknown_key_is_refused_whatever_ssh_config_says(
    server: Sshd, transport: str, tmp_path: Path
) -> None:
    with Sshd(tmp_path / "gate") as gate:
        config = jump_config(tmp_path / "conf", gate, server.known_hosts)
        error = refusal(server, transport, host="inner", ssh_config=str(config))
    assert error.code == "host_key_changed" and str(gate.port) in error.message
    assert str(gate.port) not in server.known_hosts.read_text()


def test_known_hosts_of_ssh_config_count_when_none_is_configured(server: Sshd, transport: str, tmp_path: Path) -> None:
    config = tmp_path / "conf"
    lines = ["Host here", "HostName 127.0.0.1", f"Port {server.port}", f"UserKnownHostsFile {server.known_hosts}"]
    config.write_text("\n".join(lines) + "\n")
    with reached(server, transport, host="here", port=22, known_hosts="", ssh_config=str(config)) as host:
        assert host.run("echo found").stdout == "found\n"
    config.write_text(config.read_text().replace(str(server.known_hosts), str(tmp_path / "none")))
    assert refusal(server, transport, host="here", port=22, known_hosts="", ssh_config=str(config)).code == (
        "host_key_changed"
    )


def test_what_a_killed_nimwrap_left_is_taken_away_by_the_next(server: Sshd, tmp_path: Path) -> None:
    keys = {**server.master_keys(), "transport": "openssh"}
    code = (
        "import os, signal\nfrom nimwrap.config.model import MasterConfig\n"
        "from nimwrap.hosts.connect import open_master\n"
        f"open_master(MasterConfig('nim', **{keys!r})).run('true')\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    dead = subprocess.Popen([sys.executable, "-c", code])
    assert dead.wait(30) == -signal.SIGKILL
    (left,) = Path(tempfile.gettempdir()).glob(f"nimwrap-ssh-{dead.pid}-*")
    with reached(server, "openssh") as host:
        host.run("true")
    assert not left.exists()
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(left) not in listing


def test_hashed_known_hosts(server: Sshd, transport: str, tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(server.known_hosts.read_text())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    assert "127.0.0.1" not in file.read_text()
    with reached(server, transport, known_hosts=str(file)) as host:
        assert host.run("true").succeeded


def test_a_server_that_drops_the_first_connections_is_asked_again(server: Sshd, transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as crowded:
        port = crowded.getsockname()[1]

        def admit_the_third() -> None:
            for _ in range(2):
                crowded.accept()[0].close()
            near = crowded.accept()[0]
            far = socket.create_connection(("127.0.0.1", server.port))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=pour, args=(source, sink), daemon=True).start()

        threading.Thread(target=admit_the_third, daemon=True).start()
        known = server.known_hosts.with_name("known_crowded")
        known.write_text(server.known_hosts.read_text().replace(str(server.port), str(port)))
        with reached(server, transport, port=port, known_hosts=str(known)) as host:
            assert host.run("echo in").stdout == "in\n"


def pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_nothing_is_left_after_close(server: Sshd, transport: str, tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("nimwrap-ssh-*"))
    with reached(server, transport) as host:
        host.run("true")
    assert set(Path(tempfile.gettempdir()).glob("nimwrap-ssh-*")) == before
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"-p{server.port}" not in listing


def test_a_connection_made_ahead_is_the_first_commands(server: Sshd) -> None:
    host = open_master(MasterConfig("nim", **server.master_keys()), ahead=True)
    try:
        with ThreadPoolExecutor(1) as pool:
            first, second = (host.run("echo $SSH_CONNECTION") for _ in range(2))
            assert first.succeeded and first.stdout == second.stdout
            beside = [pool.submit(host.run, "sleep 1; echo $SSH_CONNECTION"), pool.submit(host.run, "true")]
            assert all(done.result().succeeded for done in beside)
    finally:
        host.close()


def test_a_connection_made_ahead_tells_of_its_trouble_once_somebody_asks(server: Sshd, tmp_path: Path) -> None:
    empty = tmp_path / "known_hosts"
    empty.touch()
    host = open_master(MasterConfig("nim", **{**server.master_keys(), "known_hosts": str(empty)}), ahead=True)
    for _ in range(2):
        with pytest.raises(NimwrapError) as caught:
            host.run("echo must not run")
        assert caught.value.code == "host_key_changed"
    host.close()


def test_a_connection_made_ahead_that_nobody_uses_is_closed(server: Sshd) -> None:
    threads = set(threading.enumerate())
    open_master(MasterConfig("nim", **server.master_keys()), ahead=True).close()
    ends = time.monotonic() + 120
    while set(threading.enumerate()) - threads and time.monotonic() < ends:
        time.sleep(0.05)
    assert not set(threading.enumerate()) - threads


def test_a_shell_of_ones_own(server: Sshd, transport: str) -> None:
    with reached(server, transport, **SH) as host:
        assert host.run("ps -p $$ -o comm=").stdout == "sh\n"


def test_the_key_is_never_in_an_argument(server: Sshd) -> None:
    master = MasterConfig("nim", **server.master_keys())
    assert Path(server.user_key).read_text() not in repr(replace(master, transport="openssh"))


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
