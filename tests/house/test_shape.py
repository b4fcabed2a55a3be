"""The house as a whole: a name stands once in it, and no file or function is too long to be read."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.running import ROOT

HOUSE = ROOT / "nimwrap"
SHARED = frozenset({"__init__", "__main__", "base", "model", "registry"})
"""Names of modules that may stand in several rooms, and whose classes may be called alike."""
FILE_LINES, FUNCTION_LINES = 400, 60


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(HOUSE.rglob("*.py")):
        yield path, ast.parse(path.read_text(), str(path))


def twice(names: Iterator[tuple[str, Path]]) -> dict[str, list[str]]:
    """The names that stand in several places, with the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in names:
        places[name].append(str(path.relative_to(HOUSE)))
    return {name: found for name, found in places.items() if len(found) > 1}


def test_a_name_of_a_module_stands_once() -> None:
    assert twice((path.stem, path) for path, _ in modules() if path.stem not in SHARED) == {}


def test_a_name_of_a_public_class_stands_once() -> None:
    assert (
        twice(
            (node.name, path)
            for path, tree in modules()
            if path.stem not in SHARED
            for node in tree.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        )
        == {}
    )


def test_no_file_is_too_long() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path, _ in modules()}
    assert {path: lines for path, lines in long.items() if lines > FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": lines
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}
