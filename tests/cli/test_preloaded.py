"""nimwrap forked from a process that has loaded it, beside ``python -m nimwrap``: nobody can tell the difference."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.preloaded import Preloaded
from tests.running import ConfigWriter, Ran, run

LOOKING = [
    ("--version",),
    ("--help",),
    ("histroy",),
    ("history", "--limit", "0"),
    ("config", "validate"),
    ("config", "show", "--json"),
    ("config", "schema"),
    ("exports", "list", "--json"),
    ("history",),
    ("history", "--json"),
    ("images", "list", "--json"),
    ("schedule", "list", "--json"),
    ("show", "no-such-run", "--json"),
    ("status", "--json"),
    ("status",),
    ("explain", "mount: 1831-011 access denied for nim:/export/nim"),
]


def both(arguments: tuple[str, ...], loaded: Preloaded, home: Path, config: Path, **more: Any) -> list[Ran]:
    return [run(*arguments, home=home, config=config, loaded=one, **more) for one in (loaded, None)]


@pytest.fixture
def loaded(loaded_nimwrap: Preloaded | None) -> Preloaded:
    if loaded_nimwrap is None:
        pytest.skip("each nimwrap loads itself here")
    return loaded_nimwrap


@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
def test_a_verb_that_looks_says_the_same_either_way(
    arguments: tuple[str, ...], loaded: Preloaded, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    forked, alone = both(arguments, loaded, tmp_path, estate_config())
    assert forked == alone


def test_input_directory_and_environment_are_the_process_own(
    loaded: Preloaded, estate_config: ConfigWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "mount: 1831-011 access denied for nim:/export/nim\n"
    forked, alone = both(("explain", "-", "--json"), loaded, tmp_path, estate_config(), stdin=text)
    assert forked == alone
    monkeypatch.chdir(tmp_path)
    forked, alone = both(("status", "--json"), loaded, tmp_path, Path("nimwrap.toml"), env={"TZ": "Asia/Tokyo"})
    assert (forked.exit_code, forked.data.keys()) == (alone.exit_code, alone.data.keys())
    absent = {"NIMWRAP_CONFIG": "absent.toml"}
    came = [run("config", "validate", home=tmp_path, loaded=one, env=absent) for one in (loaded, None)]
    assert came[0] == came[1] and "absent.toml" in came[0].stderr


def test_what_the_interpreter_takes_from_the_environment_needs_a_process_that_loads_itself(
    loaded: Preloaded, tmp_path: Path
) -> None:
    assert loaded.can_run({**os.environ, "HOME": "/"}) == loaded.can_run(dict(os.environ))
    assert not loaded.can_run({"PYTHONOPTIMIZE": "1"})


def test_a_call_without_end_is_killed(loaded: Preloaded, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "nimwrap.toml")  # nobody writes into it
    with pytest.raises(subprocess.TimeoutExpired):
        run("config", "validate", home=tmp_path, config=tmp_path / "nimwrap.toml", loaded=loaded, timeout=0.5)
