"""A read-only command starts like a hello-world: nothing heavy is imported (libraries section 1)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import environment

HEAVY = {
    "fabric",
    "paramiko",
    "invoke",
    "cryptography",
    "sqlite_utils",
    "apscheduler",
    "tenacity",
    "rich",
    "jinja2",
    "apprise",
    "prometheus_client",
    "cronsim",
    "asyncio",
    "xml",
    "urllib.request",
    "http.client",
    "unittest",
}
REPORTED = "import sys; from nimwrap.__main__ import main; main(); sys.stderr.write('\\n' + ' '.join(sys.modules))"


def imported(*arguments: str, home: Path) -> set[str]:
    """The modules that one call of nimwrap has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", REPORTED, *arguments], env=environment(home), capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "nimwrap.toml"
    path.write_text(f'state_dir = "{tmp_path}"\n[masters.nim]\ntransport = "local"\n')
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("history",),
        ("history", "--json"),
        ("exports", "list"),
        ("show", "x"),
        ("config", "show"),
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(arguments: tuple[str, ...], config: Path, tmp_path: Path) -> None:
    modules = imported("--config", str(config), *arguments, home=tmp_path)
    assert not HEAVY & modules


def test_status_imports_no_more_than_the_clock_of_its_schedules(config: Path, tmp_path: Path) -> None:
    assert HEAVY & imported("--config", str(config), "status", "--json", home=tmp_path) <= {"cronsim"}


def test_only_the_verb_that_is_called_is_imported(config: Path, tmp_path: Path) -> None:
    modules = imported("--config", str(config), "history", home=tmp_path)
    assert "nimwrap.cli.verbs.history" in modules
    assert (
        not {
            "nimwrap.cli.verbs.backup",
            "nimwrap.cli.verbs.doctor",
            "nimwrap.fleet.fleet_run",
            "nimwrap.preflight.engine",
        }
        & modules
    )


def test_the_list_is_one_that_can_find_something(config: Path, tmp_path: Path) -> None:
    assert "tomllib" in imported("--config", str(config), "history", home=tmp_path)
