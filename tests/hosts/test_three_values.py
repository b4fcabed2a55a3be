"""An answer is yes, no, or nobody knows; a lint of our own holds that nobody takes the third for the second."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.script_batch import Answer

ROOT = Path(__file__).resolve().parents[2] / "nimwrap"
OTHERS = frozenset({"look", "now", "read", "expectation", "process", "raw", "self", "back"})
"""Names of what has a ``returncode`` and is no answer: an operation's status, a full read, a local process."""
EXCUSE = "nobody knows"
"""What a comment in the function has to say where ``.unknown`` is not asked for."""


def faults(text: str) -> Iterator[str]:
    """What the lint finds in one module's source."""
    lines, tree = text.splitlines(), ast.parse(text)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            body = "\n".join(lines[function.lineno - 1 : function.end_lineno])
            asked = [node for node in ast.walk(function) if isinstance(node, ast.Attribute)]
            known = {ast.unparse(node.value) for node in asked if node.attr == "unknown"}
            for node in asked:
                if node.attr in ("succeeded", "failed") and ast.unparse(node.value) not in known and EXCUSE not in body:
                    yield f"line {node.lineno}: {ast.unparse(node)} is asked for, and not what happens when {EXCUSE}"
    for node in ast.walk(tree):
        denied = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else None
        if isinstance(denied, ast.Attribute) and denied.attr in ("succeeded", "failed", "ok"):
            yield f"line {node.lineno}: `not {ast.unparse(denied)}` is true when {EXCUSE}"
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "returncode":
            holder = ast.unparse(node.left.value).rpartition(".")[2]
            right = ast.unparse(node.comparators[0])
            if isinstance(node.ops[0], ast.NotEq | ast.NotIn) and "None" not in right and holder not in OTHERS:
                yield f"line {node.lineno}: `{ast.unparse(node)}` is true when {EXCUSE}"


def test_nobody_takes_unknown_for_no() -> None:
    ours = [path for path in sorted(ROOT.rglob("*.py")) if "estate" not in path.relative_to(ROOT).parts]
    assert [f"{path}: {fault}" for path in ours for fault in faults(path.read_text())] == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n if not x.succeeded: g()",
        "def f(x):\n return x.succeeded",
        "def f(x):\n if x.failed: g()",
        "def f(x):\n if x.returncode != 0: g()",
        "def f(x):\n if x.returncode not in (0, 3): g()",
    ],
)
def test_the_lint_sees_it(text: str) -> None:
    assert list(faults(text))


@pytest.mark.parametrize("code", [0, 1, None])
@pytest.mark.parametrize("make", [lambda code: CommandResult(code, "", "", 0.0), lambda code: Answer(code, "")])
def test_an_answer_is_one_of_three_and_no_truth_value(make: object, code: int | None) -> None:
    answer = make(code)  # type: ignore[operator]
    assert [answer.succeeded, answer.failed, answer.unknown].count(True) == 1
    assert answer.unknown is (code is None)
    with pytest.raises(TypeError):
        bool(answer)
