"""Questionnaires and limits, run by every shell this machine has."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest

from nimwrap.hosts.script_batch import Answer, Question, answers, limited, process_tree, questionnaire

SHELLS = [shell for shell in ("dash", "bash", "ksh") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(shell: str, *questions: Question) -> dict[str, Answer]:
    """What comes back, with nothing on the script's own stderr."""
    done = subprocess.run([shell, "-c", questionnaire(questions, "N1")], capture_output=True, check=False)
    assert done.stderr == b""
    return answers(done.stdout.decode("utf-8", "replace"), "N1")


def processes() -> list[str]:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo one; echo two >&2; exit 3", Answer(3, "one\ntwo\n")),
        ("printf 'no newline'", Answer(0, "no newline")),
        ("printf '\\n\\nblank lines\\n\\n'", Answer(0, "\n\nblank lines\n\n")),
        ("printf '\\000\\377\\r\\n'", Answer(0, "\x00\ufffd\r\n")),
        ("cat; echo 'input was empty'", Answer(0, "input was empty\n")),
        ("no_such_command_here 2>/dev/null", Answer(127, "")),
        ("echo '@@N1 end it 0 not alone'; true # a remark", Answer(0, "@@N1 end it 0 not alone\n")),
    ],
)
def test_an_answer_is_what_was_said(shell: str, text: str, expected: Answer, limit: int | None) -> None:
    found = ask(shell, Question("it", text, limit), Question("next", "echo still here", limit))
    assert found == {"it": expected, "next": Answer(0, "still here\n")}


def test_a_signal_is_counted_from_128_in_every_shell(shell: str) -> None:
    found = ask(shell, Question("a", "exec sh -c 'kill -6 $$' 2>/dev/null", 5))
    assert found["a"].returncode == 134


def test_megabytes_come_through(shell: str) -> None:
    found = ask(shell, Question("big", "dd if=/dev/zero bs=1024 count=3000 2>/dev/null | tr '\\000' x", 20))
    assert found["big"] == Answer(0, "x" * 3_072_000)


@pytest.mark.parametrize(
    "hanging",
    ["echo before; sleep 4201", "echo before; (sleep 4201 | cat); echo never", "trap '' 15; echo before; sleep 4201"],
)
def test_a_question_that_hangs_costs_its_own_answer_and_leaves_nothing(shell: str, hanging: str) -> None:
    began = time.monotonic()
    found = ask(shell, Question("hang", hanging, 1), Question("next", "echo fine", 5))
    assert time.monotonic() - began < 300
    assert found == {"hang": Answer(None, "before\n"), "next": Answer(0, "fine\n")}
    assert not [line for line in processes() if "sleep 4201" in line]


def test_a_quick_question_does_not_wait_for_its_watcher(shell: str) -> None:
    began = time.monotonic()
    ask(shell, *(Question(f"q{n}", "true", 300) for n in range(20)))
    assert time.monotonic() - began < 300


def test_limits_nest(shell: str) -> None:
    script = limited(f"echo outer; {limited('echo inner; sleep 4202', 1)}; echo rc $?; exit 5", 9)
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, "outer\ninner\nrc 143\n", "")


def test_a_script_that_dies_keeps_the_answers_it_had() -> None:
    text = questionnaire([Question("a", "echo 1"), Question("b", "echo 2"), Question("c", "echo 3")], "N2")
    whole = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout
    cut = whole[: whole.index("2\n") + 2]
    assert answers(cut, "N2") == {"a": Answer(0, "1\n"), "b": Answer(None, "2\n")}
    assert answers("", "N2") == {}


def test_line_ends_of_a_terminal_do_not_hide_the_marks() -> None:
    text = "@@N3 begin a\r\nx\r\n\r\n@@N3 end a 0\r\n@@N3 begin b\r\ny\r\n@@N3 end b 271\r\n"
    assert answers(text, "N3") == {"a": Answer(0, "x\r\n"), "b": Answer(271, "y")}


def test_a_process_tree_starts_with_its_root() -> None:
    tree = process_tree("$p")
    complete = f"while [ $({tree} | wc -w) -lt 2 ]; do sleep 1; done"
    script = f"sh -c 'sleep 4203 & wait' & p=$!; {complete}; echo $p; {tree}; kill $({tree})"
    lines = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert lines[0] == lines[1] and len(lines) == 3
