"""docs/install.md walked for real: the wheelhouse and the one file, each used by a bare Python without any index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

pytestmark = pytest.mark.slow


def run(*argv: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, argv)),
        cwd=cwd,
        env=dict(os.environ) | env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("walk") / "clone"
    kept = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, place, ignore=kept)
    return place


@pytest.fixture(scope="module")
def wheelhouse(clone: Path) -> Path:
    built = run(sys.executable, "-m", "pip", "wheel", "-q", "-c", "constraints.txt", "-w", "wheelhouse", ".", cwd=clone)
    if built.returncode:
        pytest.skip(f"no package index can be reached: {built.stderr[-300:]}")
    return clone / "wheelhouse"


def test_the_wheelhouse_installs_without_an_index(wheelhouse: Path, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", tmp_path / "opt", cwd=tmp_path).returncode == 0
    pip = tmp_path / "opt" / "bin" / "pip"
    offline = ("--no-index", "--find-links", wheelhouse)
    done = run(pip, "install", "-q", *offline, "nimwrap", cwd=tmp_path, PIP_CONFIG_FILE="/dev/null")
    assert done.returncode == 0, done.stderr
    said = run(tmp_path / "opt" / "bin" / "nimwrap", "--version", cwd=tmp_path, PYTHONPATH="")
    assert said.stdout.startswith("nimwrap "), said.stderr


def test_the_one_file_runs_and_says_what_it_cannot(wheelhouse: Path, clone: Path, tmp_path: Path) -> None:
    built = run(
        sys.executable,
        "scripts/pyz.py",
        "--output",
        tmp_path / "nimwrap",
        "--python",
        sys.executable,
        "--wheelhouse",
        wheelhouse,
        cwd=clone,
    )
    assert built.returncode == 0, built.stderr
    (tmp_path / "nimwrap").chmod(0o755)
    said = run(tmp_path / "nimwrap", "explain", "0042-175", cwd=tmp_path, PYTHONPATH="")
    assert said.returncode == 0
    assert "source:" in said.stdout
    demo = run(tmp_path / "nimwrap", "demo", cwd=tmp_path, PYTHONPATH="")
    assert demo.returncode == 1
    assert "error: the simulated hosts need nimwrap as files" in demo.stderr
    assert "Traceback" not in demo.stderr
