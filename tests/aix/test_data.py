"""Every file under ``data/`` is a test: what a command printed, and beside it what its parser must make of it.

The directory's name is the function (``df.parse``). A new odd output is a new pair of files and no new code.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from nimwrap.aix.text import Unrecognised

DATA = Path(__file__).parent / "data"
CASES = sorted(DATA.glob("*/*.txt"))


def plain(value: Any) -> Any:
    """A parser's answer as JSON would hold it; defaults of records stay in, so that nothing is left unsaid."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def read_case(path: Path) -> tuple[dict[str, str], str]:
    """The ``# key: value`` header lines and the output below them, decoded as a host's output is."""
    head: dict[str, str] = {}
    text = path.read_bytes().decode("utf-8", "replace")
    for line in text.split("\n"):
        key, colon, value = line.removeprefix("# ").partition(": ")
        if not line.startswith("# ") or not colon or key not in ("command", "returncode"):
            break
        head[key] = value
        text = text.partition("\n")[2]
    return head, text


def answer(path: Path) -> Any:
    """What the function named by the directory says to this case."""
    module, function = path.parent.name.split(".")
    parse = getattr(importlib.import_module(f"nimwrap.aix.{module}"), function)
    head, text = read_case(path)
    more = [int(head["returncode"]) if head["returncode"] != "unknown" else None] if "returncode" in head else []
    try:
        return plain(parse(text, *more))
    except Unrecognised:
        return {"unrecognised": True}


@pytest.mark.parametrize("path", CASES, ids=[f"{path.parent.name}-{path.stem}" for path in CASES])
def test_output_means_what_stands_beside_it(path: Path) -> None:
    head, _ = read_case(path)
    assert head["command"]
    expected, actual = json.loads(path.with_suffix(".json").read_text(encoding="utf-8")), answer(path)
    if path.parent.name == "classify.classify":  # the fix is prose, and the evidence is the output itself
        assert len(actual["fix"]) > 30
        assert actual["evidence"]
        actual = {key: actual[key] for key in expected}
    assert actual == expected


def test_every_expectation_has_its_output() -> None:
    assert CASES
    assert {path.with_suffix(".txt") for path in DATA.glob("*/*.json")} == set(CASES)
