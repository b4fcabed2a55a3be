"""With PYTHONOPTIMIZE no ``assert`` is there: nothing that a verb needs may rest on one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import ROOT, run

NEED_A_MASTER = (
    ("backup", "aix01"),
    ("check", "--all"),
    ("schedule", "due"),
    ("recover",),
    ("report",),
    ("metrics",),
    ("serve",),
    ("status",),
)


@pytest.mark.parametrize("arguments", NEED_A_MASTER, ids=" ".join)
def test_without_a_master_the_configuration_is_at_fault(arguments: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "nimwrap.toml"
    config.write_text(f'state_dir = "{tmp_path / "state"}"\n')
    ran = run(*arguments, home=tmp_path, config=config, env={"PYTHONOPTIMIZE": "1"})
    assert ran.exit_code == 78, ran
    assert "names no master" in ran.stderr


def _asserts() -> Iterator[tuple[Path, ast.Assert]]:
    for path in sorted((ROOT / "nimwrap").rglob("*.py")):
        tree = ast.parse(path.read_text())
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, ast.Assert))


def test_asserts_only_tell_the_type_checker_what_is_known() -> None:
    allowed = {"isinstance"}
    for path, node in _asserts():
        calls = [call for call in ast.walk(node.test) if isinstance(call, ast.Call)]
        assert all(ast.unparse(call.func) in allowed for call in calls), f"{path}:{node.lineno}"
        assert "invocation." not in ast.unparse(node.test), f"{path}:{node.lineno}: a property may raise"
