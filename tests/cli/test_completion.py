"""What the shell offers after a TAB; the man page, which comes from the same source as ``--help``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.running import ROOT, Cli, ConfigWriter, command, environment


@pytest.fixture
def offered(tmp_path: Path) -> Callable[..., list[str]]:
    """The words that bash would be given for a command line that ends in an unfinished word."""

    def ask(*words: str, config: Path | None = None) -> list[str]:
        variables = {
            "_NIMWRAP_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["nimwrap", *words]),
            "COMP_CWORD": str(len(words)),
        }
        if config is not None:
            variables["NIMWRAP_CONFIG"] = str(config)
        done = subprocess.run(
            command(), env=environment(tmp_path, **variables), capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        return done.stdout.split()

    return ask


def test_clients_groups_runs_and_schedules(
    estate: Estate,
    estate_config: ConfigWriter,
    run_cli: Cli,
    offered: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    config = estate_config()
    config.write_text(config.read_text() + '\n[groups]\nplain = ["aix*"]\n')
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "w.toml").write_text('[weekly]\ncron = "0 1 * * sun"\ntargets = ["aix*"]\n')
    estate.instant()
    run_cli("backup", "aix01", config=config)
    assert offered("backup", "aix", config=config) == ["aix01", "aix02"]
    assert offered("backup", "--group", "", config=config) == ["plain"]
    assert offered("schedule", "run", "", config=config) == ["weekly"]
    (run,) = offered("show", "20", config=config)
    assert run_cli("show", run, config=config).exit_code == 0
    assert offered("hold", "nim/a", config=config) == ["nim/aix01", "nim/aix02"]


@pytest.mark.parametrize("text", ["this is no TOML", "state_dir = 3"])
def test_a_completion_never_fails(text: str, offered: Callable[..., list[str]], tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(text)
    assert offered("backup", "a", config=broken) == []
    assert offered("backup", "a", config=tmp_path / "absent.toml") == []
    assert offered("doct") == ["doctor"]


def test_the_man_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "man.py"), "--check"],
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
