"""Every function that holds remote text, found in the source; which of them ran, and the texts that were sent."""

from __future__ import annotations

import ast
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from nimwrap.hosts.local import LocalHost

PACKAGE = Path(__file__).resolve().parents[2] / "nimwrap"
_ELSEWHERE = ("estate", "cli", "config", "scheduling", "history", "monitoring", "domain")
"""Rooms that send nothing to a host."""
_OF_THIS_MACHINE = ("service/doctor/file_checks.py",)
"""Commands for a person, about nimwrap's own files."""
_SHELL = re.compile(
    r"; then\b|\bdone\n|\$\(|&& |\|\| |2>&1|\bexit [0-9{$]|>/dev/null"
    r"|^\s*(mv|rm|cp|mkdir|rmdir|umount|mount|kill|ln|chmod|cat|awk|ps|test|echo|find|cd) ",
    re.MULTILINE,
)


def holding_text() -> set[str]:
    """``room/module.py qualified.name`` of each function with shell text in it; docstrings are none."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] not in _ELSEWHERE and str(place) not in _OF_THIS_MACHINE:
            tree = ast.parse(path.read_text())
            found |= {f"{place} {name}" for name in _functions(tree, "")}
    return found


def _functions(node: ast.AST, within: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = f"{within}{child.name}"
            if isinstance(child, ast.FunctionDef) and any(_SHELL.search(text) for text in _literals(child)):
                yield name
            yield from _functions(child, f"{name}." if isinstance(child, ast.ClassDef) else f"{name}.<locals>.")


def _literals(function: ast.FunctionDef) -> Iterator[str]:
    docstrings = {
        one.body[0].value
        for one in ast.walk(function)
        if isinstance(one, ast.FunctionDef) and one.body and isinstance(one.body[0], ast.Expr)
    }
    for one in ast.walk(function):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one not in docstrings:
            yield one.value


class Heard:
    """``ran``: the functions that were called meanwhile; ``texts``: what was sent to the master."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()
        self.texts: list[str] = []

    @property
    def ran(self) -> set[str]:
        return {
            f"{Path(code.co_filename).relative_to(PACKAGE)} {code.co_qualname}"
            for code in self.codes
            if code.co_filename.startswith(f"{PACKAGE}/")
        }


@contextmanager
def listening(monkeypatch: Any) -> Iterator[Heard]:
    """What this process calls and sends, in all its threads."""
    heard = Heard()
    run = LocalHost.run

    def sent(host: LocalHost, script: str, *, timeout: float = 120.0) -> Any:
        heard.texts.append(script)
        return run(host, script, timeout=timeout)

    def called(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            heard.codes.add(frame.f_code)

    monkeypatch.setattr(LocalHost, "run", sent)
    threading.settrace(called)
    sys.settrace(called)
    try:
        yield heard
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # takes it away
