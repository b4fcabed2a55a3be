"""Changing over to another version, and back: what a file holds, what the history does, what the shell offers."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

import nimwrap
from nimwrap.history.sqlite.schema import MIGRATIONS
from tests.running import ROOT, Cli

OLD = ROOT / "tests" / "history" / "version_1.sql"


def packed(path: Path, version: str, migrations: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nimwrap/__init__.py", f'"""x"""\n\n__version__ = "{version}"\n')
        lines = "".join(f'    "{name}": X,\n' for name in migrations)
        archive.writestr("nimwrap/history/sqlite/schema.py", f"MIGRATIONS = {{\n{lines}}}\n")
    return path


def test_a_newer_file_says_what_the_history_will_do(run_cli: Cli, tmp_path: Path) -> None:
    file = packed(tmp_path / "n.pyz", "99.0.0", [*MIGRATIONS, "m999_more"])
    ran = run_cli("--version", "--check", file, "--json")
    assert ran.exit_code == 0
    assert ran.data["version"] == nimwrap.__version__
    assert ran.data["file"] == {
        "path": str(file),
        "version": "99.0.0",
        "newer": True,
        "migrations_new": ["m999_more"],
        "migrations_lost": [],
    }
    assert "newer than this one" in run_cli("--check", file, "--version").stdout


def test_going_back_behind_a_migration_needs_the_copy(run_cli: Cli, tmp_path: Path) -> None:
    *known, last = MIGRATIONS
    ran = run_cli("--version", "--check", packed(tmp_path / "n.whl", "0.0.1", known))
    assert ran.exit_code == 1
    assert last in ran.stdout
    assert "history.db.before-NAME" in ran.stdout


def test_the_files_that_the_house_makes_are_understood(run_cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "own.pyz"
    with zipfile.ZipFile(file, "w") as archive:
        for path in (ROOT / "nimwrap").rglob("*.py"):
            archive.write(path, path.relative_to(ROOT))
    ran = run_cli("--version", "--check", file)
    assert (ran.exit_code, "the same as this one" in ran.stdout) == (0, True)
    assert "history: it stays as it is" in ran.stdout


@pytest.mark.parametrize("arguments", [("--version", "--check", "/etc/hosts"), ("--check", "/etc/hosts", "status")])
def test_what_is_no_version_is_a_wrong_call(run_cli: Cli, arguments: tuple[str, ...]) -> None:
    assert run_cli(*arguments).exit_code == 2


def test_the_copy_made_before_a_migration_is_named(run_cli: Cli, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    with closing(sqlite3.connect(state / "history.db")) as database:
        database.executescript(OLD.read_text())
    config = tmp_path / "nimwrap.toml"
    config.write_text(f'state_dir = "{state}"\n[masters.nim]\ntransport = "local"\n')
    first = run_cli("history", "--json", config=config)
    assert first.exit_code == 0
    copy = state / "history.db.before-m002_finding_data"
    assert f"as it was before: {copy}" in first.stderr
    assert copy.is_file()
    assert "as it was before" not in run_cli("history", config=config).stderr


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/nimwrap"),
        ("zsh", ".zfunc/_nimwrap"),
        ("fish", ".config/fish/completions/nimwrap.fish"),
    ],
)
def test_completion_is_written_for_the_shell_of_whoever_types(
    shell: str, place: str, run_cli: Cli, tmp_path: Path
) -> None:
    ran = run_cli("completion", "install", "--json", env={"SHELL": f"/bin/{shell}"})
    assert ran.exit_code == 0
    file = tmp_path / "home" / place
    assert ran.data["path"] == str(file)
    assert "_NIMWRAP_COMPLETE" in file.read_text()
    assert run_cli("completion", "install", env={"SHELL": "/bin/ksh"}).exit_code == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is behind sudo")
def test_behind_sudo_it_is_for_the_user_who_typed(run_cli: Cli) -> None:
    ran = run_cli("completion", "install", "--shell", "bash", env={"SUDO_USER": "no-such-user"})
    assert (ran.exit_code, "SUDO_USER='no-such-user'" in ran.stderr) == (2, True)
