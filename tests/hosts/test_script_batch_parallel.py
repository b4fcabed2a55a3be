"""A questionnaire run by the shells at hand: each answer whole and its own, whatever the others do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nimwrap.hosts.script_batch import Answer, Question, answers
from nimwrap.hosts.script_batch_parallel import asked_together

SHELLS = [shell for shell in ("/usr/bin/ksh", "/bin/sh", "/bin/bash") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(shell: str, *quick: Question, slow: tuple[Question, ...] = (), limit_s: int = 20) -> dict[str, Answer]:
    script = asked_together(quick, slow, "n0nce", limit_s)
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    return answers(done.stdout, "n0nce")


def test_each_answer_carries_its_own_output_and_status(shell: str) -> None:
    found = ask(
        shell,
        Question("first", "echo one; echo two >&2; exit 3"),
        Question("no-newline", "echo abc | tr -d '\\n'"),
        Question("silent", ":"),
        Question("stdin", "cat; echo nothing to read"),
    )
    assert found == {
        "first": Answer(3, "one\ntwo\n"),
        "no-newline": Answer(0, "abc"),
        "silent": Answer(0, ""),
        "stdin": Answer(0, "nothing to read\n"),
    }


def test_one_that_hangs_is_ended_and_costs_only_its_own_answer(shell: str) -> None:
    slow = (Question("hangs", "echo began; sleep 60"), Question("beside", "echo here; exit 4"))
    found = ask(shell, slow=slow, limit_s=1)
    assert found["hangs"].returncode is None
    assert found["hangs"].output.strip() == "began"
    assert found["beside"] == Answer(4, "here\n")


def test_a_command_that_is_gone_at_once_keeps_its_status(shell: str) -> None:
    """ksh93's ``wait`` loses it about once in two hundred times."""
    slow = tuple(Question(f"q{number}", "exit 127") for number in range(12))
    for _ in range(10):
        assert set(ask(shell, slow=slow).values()) == {Answer(127, "")}


def test_slow_ones_run_at_the_same_time_and_their_answers_do_not_mix(shell: str, tmp_path: Path) -> None:
    """Each waits for all the others: one after the other they would never end."""
    flood = "awk 'BEGIN { for (i = 0; i < 3000; i++) print \"NAME\", i }'"
    together = f": > {tmp_path}/NAME; while [ $(ls {tmp_path} | wc -l) -lt 4 ]; do sleep 1; done"
    slow = tuple(Question(name, f"{flood}; {together}".replace("NAME", name)) for name in ("a", "b", "c", "d"))
    found = ask(shell, Question("before", "echo x"), slow=slow)
    assert found["before"] == Answer(0, "x\n")
    for name in "abcd":
        assert found[name] == Answer(0, "".join(f"{name} {number}\n" for number in range(3000)))
