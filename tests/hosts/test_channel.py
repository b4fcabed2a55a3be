"""The channel to clients, through real shells on both sides."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.client_channel import ChannelAnswer, ClientRequest, ask_clients, client_command, parse_channel
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.script_batch import Answer, Question, answers, questionnaire
from tests.hosts.masters import fake_master

SHELLS = [shell for shell in ("dash", "bash", "ksh") if shutil.which(shell)]
RUNS_IT = 'exec sh -c "$2"'


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_status_and_output_are_the_clients_own(tmp_path: Path, shell: str) -> None:
    host = fake_master(tmp_path, f'exec {shell} -c "$2"', shell)
    script = "printf 'no newline: äöü \\\\ '\nprintf '%s' \"it's\" # a remark\ncat\nexit 7"
    result = host.run(client_command("c_rsh", "aix01", script, 10))
    assert parse_channel(result.stdout) == ChannelAnswer(True, 7, "no newline: äöü \\ it's")


def test_the_client_is_sent_a_single_line(tmp_path: Path) -> None:
    host = fake_master(tmp_path, f"printf '%s' \"$2\" > {tmp_path}/seen; {RUNS_IT}")
    result = host.run(client_command("c_rsh", "a", "echo 1\necho '2\\\n3'", 9))
    assert parse_channel(result.stdout).output == "1\n2\\\n3\n"
    assert "\n" not in (tmp_path / "seen").read_text()


def test_a_script_that_uses_every_spare_character_still_arrives(tmp_path: Path) -> None:
    host = fake_master(tmp_path, RUNS_IT)
    result = host.run(client_command("c_rsh", "a", "echo '~^%@?:,+_'\necho two", 9))
    assert parse_channel(result.stdout) == ChannelAnswer(True, 0, "~^%@?:,+_\ntwo\n")


def test_a_refused_connection_is_not_an_answer(tmp_path: Path, shell: str) -> None:
    refusal = "0042-006 c_rsh: (exec_nimsh_cmd) exec_cmd Connection refused"
    host = fake_master(tmp_path, f"echo '{refusal}' >&2; exit 6", shell)
    answer = parse_channel(host.run(client_command("c_rsh", "a", "true", 9)).stdout)
    assert answer == ChannelAnswer(False, None, refusal + "\n")


def test_a_hanging_channel_ends_at_its_limit_and_keeps_what_it_said(tmp_path: Path, shell: str) -> None:
    host = fake_master(tmp_path, "echo connecting; sleep 600", shell)
    began = time.monotonic()
    answer = parse_channel(host.run(client_command("c_rsh", "a", "true", 1)).stdout)
    assert time.monotonic() - began < 300
    assert answer == ChannelAnswer(False, None, "connecting\nnimwrap: no answer within 1 s\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("out\n\nnw_rc=0\n", ChannelAnswer(True, 0, "out\n")),
        ("out\r\n\r\nnw_rc=3\r\n", ChannelAnswer(True, 3, "out\r\n")),
        ("nw_rc=1\nmore\n\nnw_rc=271\n", ChannelAnswer(True, 143, "nw_rc=1\nmore\n")),
        ("out\n\nnw_rc=0\nc_rsh: warning\n", ChannelAnswer(True, 0, "out\n\nc_rsh: warning\n")),
        ("", ChannelAnswer(False, None, "")),
        ("echo nw_rc=0 is not a line", ChannelAnswer(False, None, "echo nw_rc=0 is not a line")),
    ],
)
def test_reading_what_came_back(text: str, expected: ChannelAnswer) -> None:
    assert parse_channel(text) == expected


@pytest.mark.parametrize("name", ["-oProxyCommand=x", "a;id", "a\nb", "$(id)", "", "a" * 300, "../x", "a b"])
def test_a_hostile_host_never_reaches_a_shell(tmp_path: Path, name: str) -> None:
    with pytest.raises(NimwrapError) as caught:
        client_command("ssh", name, "true", 5)
    assert caught.value.code == "name_invalid"
    host = fake_master(tmp_path, f'echo "$1" >> {tmp_path}/asked; {RUNS_IT}')
    requests = {"bad": ClientRequest(name, "true"), "good": ClientRequest("good", "true")}
    found = ask_clients(host, "c_rsh", requests)
    assert (found["bad"].reached, found["good"].succeeded) == (False, True)
    assert (tmp_path / "asked").read_text() == "good\n"


def test_ssh_channel_is_strict_and_silent() -> None:
    command = client_command("ssh", "10.1.1.5", "true", 5)
    assert "ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes 10.1.1.5 " in command


def test_many_clients_at_once_with_one_that_hangs(tmp_path: Path, shell: str) -> None:
    host = fake_master(
        tmp_path,
        f'echo "$1" >> {tmp_path}/asked; case $1 in c3) sleep 600;; c5) echo refused; exit 6;; esac; sleep 0.2; '
        f"me=$1; export me; {RUNS_IT}",
        shell,
    )
    requests = {f"client {n}": ClientRequest(f"c{n}", f"echo é $me; exit {n % 3}") for n in range(20)}
    began = time.monotonic()
    found = ask_clients(host, "c_rsh", requests, parallel=4, limit_s=2)
    assert time.monotonic() - began < 300
    assert list(found) == list(requests)
    assert found["client 3"] == ChannelAnswer(False, None, "nimwrap: no answer within 2 s\n")
    assert found["client 5"] == ChannelAnswer(False, None, "refused\n")
    well = {n: found[f"client {n}"] for n in range(20) if n not in (3, 5)}
    assert well == {n: ChannelAnswer(True, n % 3, f"é c{n}\n") for n in well}
    asked = sorted([*(f"c{n}" for n in range(20)), "c3", "c5"])  # those that did not answer are probed once
    assert sorted((tmp_path / "asked").read_text().split()) == asked


def test_the_master_is_not_written_to(tmp_path: Path) -> None:
    host = fake_master(tmp_path, RUNS_IT)
    changing = "mkdir() { echo mkdir; exit 9; }; rm() { echo rm; exit 9; }; ulimit -f 0\n"

    class ReadOnly:
        name = "nim"

        def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
            return host.run(changing + script, timeout=timeout)

        def close(self) -> None: ...

    found = ask_clients(ReadOnly(), "c_rsh", {f"c{n}": ClientRequest("c", "echo hi") for n in range(5)})
    assert list(found.values()) == [ChannelAnswer(True, 0, "hi\n")] * 5


def test_long_answers_do_not_hold_up_the_workers(tmp_path: Path, shell: str) -> None:
    host = fake_master(tmp_path, RUNS_IT, shell)
    script = "dd if=/dev/zero bs=1024 count=300 2>/dev/null | tr '\\000' x"
    found = ask_clients(host, "c_rsh", {f"c{n}": ClientRequest("c", script) for n in range(9)}, parallel=3)
    assert [len(answer.output) for answer in found.values()] == [300 * 1024] * 9


def test_a_script_longer_than_a_command_line(tmp_path: Path) -> None:
    host = fake_master(tmp_path, RUNS_IT)
    requests = {f"c{n}": ClientRequest(f"c{n}", f"echo {n}; : {'x' * 900}") for n in range(60)}
    found = ask_clients(host, "c_rsh", requests, parallel=8)
    assert [answer.output for answer in found.values()] == [f"{n}\n" for n in range(60)]


def test_arguments_let_all_clients_share_one_script(tmp_path: Path, shell: str) -> None:
    sent: list[int] = []
    inner = fake_master(tmp_path, f'exec {shell} -c "$2"', shell)

    class Counting:
        name = "nim"

        def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
            sent.append(len(script))
            return inner.run(script, timeout=timeout)

        def close(self) -> None: ...

    script = f"printf '%s|' \"$@\"\n: {'x' * 3000}"
    requests = {f"c{n}": ClientRequest(f"c{n}", script, (f"it's {n}", "a b;$(id)\\n")) for n in range(40)}
    found = ask_clients(Counting(), "c_rsh", requests)
    assert [answer.output for answer in found.values()] == [f"it's {n}|a b;$(id)\\n|" for n in range(40)]
    assert len(sent) == 1 and sent[0] < 14_000


def test_answers_of_a_questionnaire_travel_inside(tmp_path: Path, shell: str) -> None:
    host = fake_master(tmp_path, f'exec {shell} -c "$2"', shell)
    script = questionnaire([Question("one", "echo 1; exit 4"), Question("two", "sleep 60", 1)], "N0")
    answer = parse_channel(host.run(client_command("c_rsh", "a", script, 20)).stdout)
    inner = answers(answer.output, "N0")
    assert answer.reached
    assert inner == {"one": Answer(4, "1\n"), "two": Answer(None, "")}


def test_nothing_of_it_runs_on(tmp_path: Path, shell: str) -> None:
    mine = f"sleep 7{os.getpid()}"  # others run the same test on this machine
    host = fake_master(tmp_path, f"{mine} | cat", shell)
    ask_clients(host, "c_rsh", {"a": ClientRequest("a", "true")}, limit_s=1)
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert mine not in listing.splitlines()
