"""A log that cannot be written costs its lines and nothing else; an answer that cannot be written is a failure."""

from __future__ import annotations

import os
import subprocess
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import pytest

from nimwrap.cli.output.streams import put
from nimwrap.estate import Estate
from nimwrap.history.sqlite.queries import Reader
from tests.running import ConfigWriter, command, environment

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")

BACKUPS = [("backup", "aix01"), ("-q", "backup", "aix01"), ("schedule", "run", "often"), ("schedule", "due")]


@pytest.fixture
def config(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> Path:
    estate.instant()
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "often.toml").write_text('[often]\ncron = "* * * * *"\ntargets = ["aix01"]\n')
    return estate_config()


def ran(arguments: tuple[str, ...], config: Path, *, out: IO[Any] | int, err: IO[Any] | int) -> tuple[int, str, str]:
    home = environment(config.parent)
    done = subprocess.run(command(*arguments, config=config), env=home, stdout=out, stderr=err, text=True, check=False)
    return done.returncode, done.stdout or "", done.stderr or ""


def outcomes(estate: Estate) -> list[str]:
    with Reader.open(estate.root / "nimwrap" / "history.db") as reader:
        return [row.outcome for row in reader.runs()]


@pytest.mark.parametrize("arguments", BACKUPS, ids=" ".join)
def test_a_full_log_disk_ends_no_backup(arguments: tuple[str, ...], estate: Estate, config: Path) -> None:
    with FULL.open("w") as full:
        code, out, _ = ran(arguments, config, out=subprocess.PIPE, err=full)
    assert code == 0
    assert "aix01" in out
    assert outcomes(estate) == ["ok"]


@pytest.mark.parametrize("arguments", [("backup", "aix01"), ("schedule", "run", "often")], ids=" ".join)
def test_nor_does_a_closed_stderr(arguments: tuple[str, ...], estate: Estate, config: Path) -> None:
    argv = ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command(*arguments, config=config)]
    done = subprocess.run(argv, env=environment(config.parent), stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert "aix01" in done.stdout
    assert outcomes(estate) == ["ok"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_an_answer_that_cannot_be_written_is_said_and_is_a_failure(
    more: tuple[str, ...], estate: Estate, config: Path
) -> None:
    with FULL.open("w") as full:
        code, _, err = ran(("-q", "backup", "aix01", *more), config, out=full, err=subprocess.PIPE)
        assert code == 1
        assert err == "error: the result could not be written to stdout: No space left on device\n"
        assert outcomes(estate) == ["ok"]
        code, _, err = ran(("backup", "nosuch", *more), config, out=full, err=subprocess.PIPE)
        assert code == 2, "a code that says more is kept"
        assert "no client is called 'nosuch'" in err


@pytest.mark.parametrize("arguments", [("--help",), ("config", "show"), ("history",), ("nosuch",)])
def test_python_has_nothing_left_to_complain_about_at_exit(arguments: tuple[str, ...], config: Path) -> None:
    with FULL.open("w") as full:
        code, _, _ = ran(arguments, config, out=full, err=full)
    assert code == (2 if arguments == ("nosuch",) else 1)


def test_with_space_again_the_next_message_is_written_and_the_lost_one_is_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with FULL.open("wb") as full, TextIOWrapper(full, "utf-8") as stream:
        with pytest.raises(OSError, match="No space"):
            put(stream, "lost\n")
        with log.open("wb") as there:
            os.dup2(there.fileno(), full.fileno())
        put(stream, "written\n")
    assert log.read_text() == "written\n"
