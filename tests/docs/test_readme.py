"""The README is typed as it stands: its blocks marked as runnable, in a shell, against the embedded estate."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import ROOT, environment

README = (ROOT / "README.md").read_text()
RUNNABLE = re.findall(r"^<!-- runnable -->\n```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
FAULTS_ARE_AN_ANSWER = ("nimwrap doctor", "nimwrap status")


@pytest.fixture
def shell(tmp_path: Path, estate: Any, estate_config: Callable[..., Path]) -> Callable[[str], int]:
    """Types one line into a shell of a user who has nimwrap on the path; its exit code."""
    config = estate_config()
    estate.setting(rate=0)
    programs = tmp_path / "bin"
    programs.mkdir()
    nimwrap = programs / "nimwrap"
    nimwrap.write_text(f'#!/bin/sh\nexec {sys.executable} -m nimwrap "$@"\n')
    nimwrap.chmod(0o755)
    env = environment(tmp_path, NIMWRAP_CONFIG=str(config), PATH=f"{programs}:/usr/bin:/bin")

    def type_(line: str) -> int:
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=programs, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert "error: usage" not in done.stderr
        if done.returncode not in (0, 1):
            pytest.fail(f"`{line}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.returncode

    return type_


def test_the_runnable_blocks_run(shell: Callable[[str], int]) -> None:
    lines = [line for block in RUNNABLE for line in block.splitlines() if line.strip()]
    assert len(lines) >= 10
    ended = {line: shell(line) for line in lines}
    bad = [line for line, code in ended.items() if code and not line.startswith(FAULTS_ARE_AN_ANSWER)]
    assert bad == []


def test_the_two_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_shown_output_is_what_the_demo_types() -> None:
    from nimwrap.cli.demo import SCENES

    typed = {f"nimwrap {' '.join(scene.typed)}" for scene in SCENES}
    assert set(re.findall(r"^\$ (nimwrap .+)$", README, re.MULTILINE)) <= typed
