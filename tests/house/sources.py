"""The product's own source files, for tests of how the house is built."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from tests.running import ROOT

PACKAGE = ROOT / "nimwrap"


def modules(apart_from: Collection[str]) -> Iterator[tuple[str, ast.Module]]:
    """The product's modules by path below the package, without some folders."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(tuple(apart_from)):
            yield name, ast.parse(path.read_text())


def literals(tree: ast.Module) -> Iterator[str]:
    """The string constants of a module, those in f-strings included, without its docstrings."""
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value
