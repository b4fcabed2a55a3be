"""All remote texts under the shells that are nearest to AIX's ksh88: equal results, and none is forgotten."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nimwrap.cli.main import main
from nimwrap.estate import Estate, build
from tests.shells.remote_texts import Heard, holding_text, listening

pytestmark = pytest.mark.shells
SHELLS = ("ksh93", "mksh", "posh", "dash")


def shell_path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (.ci/run installs it)")
    return found


class Told:
    """The estate whose shells are all ``shell``, and nimwrap in this process."""

    def __init__(self, shell: str, place: Path, capsys: Any) -> None:
        self.estate: Estate = build(place / "estate", ksh=shell)
        self.estate.fault("root_shell", shell)
        self.place, self.capsys = place, capsys
        self.results: list[Any] = []

    def run(self, *words: str, **tables: Any) -> dict[str, Any]:
        """Keeps what must be equal everywhere; returns ``data``."""
        config = self.place / "nimwrap.toml"
        config.write_text(self.estate.config(**({"retry": {"attempts": 1}} | tables)))
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            code = main(["--config", str(config), *words, "--json"])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        document = json.loads(self.capsys.readouterr().out)
        data: dict[str, Any] = document["data"]
        told = [
            (
                one["client"],
                one.get("outcome"),
                one.get("verdict"),
                one.get("remedy"),
                (one["failure"] or {}).get("code"),
            )
            for one in data.get("runs", []) + data.get("clients", [])
            if "failure" in one
        ]
        self.results.append((words[0], code, sorted(told, key=str), [error["code"] for error in document["errors"]]))
        return data


def story(told: Told) -> None:
    """Whatever nimwrap does on hosts, at least once."""
    estate, fixed = told.estate, {"naming": "fixed"}
    told.run("check", "--all")
    estate.fault("channel_refuse", 512, "aix01")
    told.run("backup", "powerha1", "aix01", backup=fixed)
    told.run("backup", "aix01", backup=fixed)
    told.run("backup", "powerha1", backup={"remedies": ["pre-export"]})
    estate.hold_images("powerha1")
    told.run("backup", "powerha1", backup={"remedies": ["own-mount"], "timeout": "6s"})
    estate.release_images()
    told.run("recover")
    told.run("images", "verify")
    told.run("images", "prune", backup={"keep": 1})
    told.run("images", "restore-plan", "aix01")
    told.run("doctor")
    told.run("doctor", "--observe", str(told.place / "observed"))


ELSEWHERE: dict[str, str] = {}
"""Functions that the story does not reach, and the tests that run their texts."""


@pytest.fixture(scope="module")
def all_results() -> dict[str, list[Any]]:
    return {}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_remote_text_does_the_same(
    shell: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, all_results: dict[str, list[Any]]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told = Told(shell_path(shell), tmp_path, capsys)
    try:
        with listening(monkeypatch) as heard:
            story(told)
    finally:
        told.estate.stop()
    all_results[shell] = told.results
    first, *_ = all_results.values()
    assert told.results == first
    assert refused_by_a_shell(heard) == []
    missing = sorted(holding_text() - heard.ran - set(ELSEWHERE))
    assert missing == [], "\n".join(["let the story reach these, too:", *missing])


def refused_by_a_shell(heard: Heard) -> list[str]:
    """The texts that a shell cannot read to their end, of those that were sent."""
    found = []
    for shell in SHELLS:
        for text in dict.fromkeys(heard.texts):
            done = subprocess.run(
                [shell_path(shell), "-n", "-c", text], capture_output=True, text=True, check=False, env=dict(os.environ)
            )
            if done.returncode:
                found.append(f"{shell}: {done.stderr}: {text[:200]}")
    return found
