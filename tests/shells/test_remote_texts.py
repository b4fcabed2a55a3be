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


ELSEWHERE = {
    "tests/backup/test_lost_room.py": (
        "backup/undo_from_journal.py _run",
        "backup/undo_from_journal.py _unless_locked",
    ),
    "tests/backup/test_left_behind.py": (
        "backup/foreign_run.py owner_and_plan",
        "backup/operation.py settle",
        "backup/operation.py undo_again",
        "backup/recovery_acts.py _put_aside",
        "backup/recovery_acts.py _undo_of_another",
    ),
    "tests/backup/test_proven.py": ("backup/publish.py _undefined",),
    "tests/backup/test_writers.py": ("backup/cleanup.py _seen_now",),
    "tests/backup/test_rooms_put_aside.py": (
        "backup/cleanup.py _unmount",
        "backup/recovery_acts.py _end_seen",
    ),
    "tests/backup/test_interrupted_runs.py": (
        "locks/lock_scripts.py peek_script",
        "preflight/host_names.py names_script",
    ),
    "tests/backup/test_spool.py": (
        "backup/spool.py _say_busy",
        "backup/spool.py _take_limits",
        "backup/spool.py free_stale_slot_script",
        "locks/lock_scripts.py take_over_script",
    ),
    "tests/clients/test_master_itself.py": ("backup/self_preflight.py master_report",),
    "tests/hosts/test_command.py": ("hosts/command.py wrapped",),
    "tests/images/test_fixed_name.py": ("images/fixed_steps.py backward",),
    "tests/images/test_kinds.py": ("images/kinds/savevg.py Savevg.header_shell",),
    "tests/images/test_prune.py": ("images/removal.py begun",),
    "tests/backup/test_exports_left.py": ("backup/nim_line.py take_out_script",),
    "tests/hooks/test_hooks_killed.py": ("hooks/on_master.py left_there",),
    "tests/images/test_contents.py": ("aix/image_names.py shell", "images/extract_files.py _script"),
    "tests/copies/test_path_copies.py": (
        "jobs/detached_job.py _look_script",
        "jobs/detached_job.py _start_script",
        "jobs/detached_job.py clear_job",
        "copies/path_copy.py PathCopy.abandon",
        "copies/path_copy.py PathCopy.look",
        "copies/path_copy.py PathCopy.make",
        "copies/path_copy.py PathCopy.publish",
        "copies/path_copy.py PathCopy.remove",
    ),
    "tests/copies/test_command_copies.py": (
        "copies/command_copy.py CommandCopy.check",
        "copies/command_copy.py CommandCopy.make",
        "copies/command_copy.py CommandCopy.remove",
        "copies/command_copy.py _kit",
        "copies/command_copy.py _told",
    ),
    "tests/copies/test_nim_copies.py": (
        "copies/nim_copy.py NimCopy._define",
        "copies/nim_copy.py NimCopy.check",
        "copies/nim_copy.py NimCopy.look",
        "copies/nim_copy.py NimCopy.make",
        "copies/nim_copy.py NimCopy.publish",
        "copies/nim_copy.py NimCopy.remove",
        "copies/nim_copy.py _resources",
    ),
    "tests/copies/test_control_copies.py": ("copies/control_copy.py _streamed",),
    "tests/disaster/test_disaster.py": (
        "actions/plan_restore.py _from_copy",
        "copies/history_copies.py fetch_history",
        "copies/history_copies.py history_copies",
        "copies/history_copies.py send_history",
        "images/kit/read_manifests.py _read",
    ),
}
"""What the story does not reach, by the tests that run it under one shell."""
RESULTS: list[Any] = [
    (
        "check",
        0,
        [
            ("aix01", None, "ready", None, None),
            ("aix02", None, "ready", None, None),
            ("powerha1", None, "warning", None, None),
            ("powerha2", None, "ready", None, None),
        ],
        [],
    ),
    ("backup", 0, [("aix01", "ok", None, None, None), ("powerha1", "ok", None, "own-mount", None)], []),
    ("backup", 0, [("aix01", "ok", None, None, None)], []),
    ("backup", 0, [("powerha1", "ok", None, "pre-export", None)], []),
    ("backup", 1, [("powerha1", "failed", None, "own-mount", "timed_out")], ["timed_out"]),
    ("recover", 0, [], []),
    *[("images", 0, [], [])] * 3,
    *[("doctor", 0, [], [])] * 2,
]
"""What every shell must come to: command, exit code, clients, errors."""


@pytest.mark.parametrize("shell", SHELLS)
def test_every_remote_text_does_the_same(
    shell: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told = Told(shell_path(shell), tmp_path, capsys)
    try:
        with listening(monkeypatch) as heard:
            story(told)
    finally:
        told.estate.stop()
    assert told.results == RESULTS
    assert refused_by_a_shell(heard) == []
    elsewhere = {name for names in ELSEWHERE.values() for name in names}
    assert elsewhere <= holding_text(), "there is no such text any more"
    missing = sorted(holding_text() - heard.ran - elsewhere)
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
