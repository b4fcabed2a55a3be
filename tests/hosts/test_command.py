"""The marks around a script: seen in every shell, taken out again, and never in the script's way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from nimwrap.hosts.command import LINE_LIMIT, Unwrapped, unwrapped, wrapped
from nimwrap.hosts.script_batch import Answer, Question, answers, questionnaire

SHELLS = [shell for shell in ("dash", "bash", "ksh", "mksh", "posh") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(shell: str, script: str) -> tuple[int, Unwrapped]:
    command = wrapped(script)
    done = subprocess.run([shell, "-c", command.line], input=command.stdin, capture_output=True, check=False)
    return done.returncode, unwrapped(command, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("script", "code", "out", "err"),
    [
        ("echo a; echo b >&2; exit 3", 3, "a\n", "b\n"),
        ("printf a; printf b >&2", 0, "a", "b"),
        ("trap 'echo bye' 0; exit 7", 7, "bye\n", ""),
        ("cat <<'END'\n$HOME `id`\nEND", 0, "$HOME `id`\n", ""),
        ("echo x # a remark", 0, "x\n", ""),
        ("exec sh -c 'echo gone; exit 4'", 4, "gone\n", ""),
        ("case a in a) echo case;; esac", 0, "case\n", ""),
        (f"cat; echo {'x' * LINE_LIMIT}; exit 5", 5, "x" * LINE_LIMIT + "\n", ""),
    ],
)
def test_nothing_of_the_marks_is_left(shell: str, script: str, code: int, out: str, err: str) -> None:
    assert run(shell, script) == (code, Unwrapped(True, code, out, err, ""))


def test_a_script_that_kills_its_shell_has_no_end(shell: str) -> None:
    code, back = run(shell, "echo a; kill -9 $$; sleep 5")
    assert (code, back.started, back.ended, back.stdout) == (-9, True, None, "a\n")


def test_a_broken_script_was_started_and_failed(shell: str) -> None:
    code, back = run(shell, "echo ( ; fi")
    reads_all_of_it_first = shell == "posh"
    assert code not in (0, 255) and back.started is not reads_all_of_it_first


def test_a_questionnaire_runs_inside(shell: str) -> None:
    script = questionnaire([Question("a", "echo 1"), Question("b", "sleep 99", 1), Question("c", "exit 6", 9)], "N1")
    code, back = run(shell, script)
    assert code == 0 and back.stderr == ""
    assert answers(back.stdout, "N1") == {"a": Answer(0, "1\n"), "b": Answer(None, ""), "c": Answer(6, "")}


def test_what_is_detached_inside_lives_on(shell: str, tmp_path: Path) -> None:
    inner = f"echo $$ > {tmp_path}/pid; sleep 0.5; echo done > {tmp_path}/done; sleep 600"
    code, back = run(shell, f"nohup sh -c '{inner}' </dev/null >/dev/null 2>&1 &\necho out")
    assert (code, back.stdout) == (0, "out\n")
    deadline = time.monotonic() + 120
    while not (tmp_path / "done").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_what_others_said_before_is_kept_apart() -> None:
    command = wrapped("true")
    said = f"Warning: old cipher\n@@{command.nonce} begin\nown\n@@{command.nonce} end 255\n"
    assert unwrapped(command, "out", said) == Unwrapped(True, 255, "out", "own\n", "Warning: old cipher\n")
    denied = "Permission denied (publickey)."
    assert unwrapped(command, "", denied) == Unwrapped(False, None, "", denied, denied)


def test_what_a_profile_prints_is_none_of_the_output(shell: str) -> None:
    command = wrapped("echo own; echo err >&2")
    line = f"echo 'Welcome to the master'; echo '{'-' * 20}' >&2; {command.line}"
    done = subprocess.run([shell, "-c", line], capture_output=True, check=False)
    back = unwrapped(command, done.stdout.decode(), done.stderr.decode())
    assert (back.started, back.ended, back.stdout, back.stderr) == (True, 0, "own\n", "err\n")


def test_a_server_that_merges_both_streams() -> None:
    command = wrapped("true")
    begin = f"@@{command.nonce} begin\r\n"
    merged = f"Welcome\r\n{begin}{begin}out\r\n@@{command.nonce} end 2\r\n"
    assert unwrapped(command, merged, "") == Unwrapped(True, 2, "out\r\n", "", "")
