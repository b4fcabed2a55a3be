"""All remote texts under the shells that are nearest to AIX's ksh88: equal results, and none is forgotten."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nimwrap.cli.main import main
from nimwrap.estate import Estate
from tests.backup import test_spool
from tests.estates import SHELL, built
from tests.running import ROOT
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
        self.estate: Estate = built(place / "estate", shell)
        self.estate.instant()
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
    told.run("check", "--all", clients={"master": {"kinds": ["nim_db"]}})
    told.run("backup", "powerha1", "aix01", backup=fixed)
    told.run("backup", "aix01", backup=fixed)
    estate.fault("channel_refuse", 2048, "aix01")
    for lacking in ("no_perl", "no_traceroute", "no_route", "no_telnet", "no_netstat"):
        estate.fault(lacking, host="powerha1")
    told.run("check", "aix01", "powerha1")
    estate.state.write("faults", {"root_shell": estate.state.read("faults")["root_shell"]})
    for tool in ("perl", "traceroute", "telnet", "netstat"):
        estate.fault(f"no_{tool}", None, "powerha1")
    told.run("backup", "powerha1", backup={"remedies": ["pre-export"]})
    estate.hold_images("powerha1")
    told.run("backup", "powerha1", backup={"remedies": ["own-mount"], "timeout": "6s"})
    estate.release_images()
    told.run("recover")
    told.run("images", "verify")
    image = str(told.run("images", "list", "aix01")["images"][0]["id"])
    told.run("images", "extract", image, "/etc/hosts", "--to", "/tmp/out")
    keep_elsewhere(told)
    told.run("images", "prune", backup={"keep": 1})
    told.run("images", "restore-plan", "aix01")
    told.run("doctor")
    told.run("doctor", "--observe", str(told.place / "observed"))


def keep_elsewhere(told: Told) -> None:
    """Copies of both kinds, proven, and dropped."""
    store = told.estate.files("nim") / "usr/local/bin/store"
    store.parent.mkdir(parents=True)
    store.write_text(
        "#!/bin/sh\ncase $1 in put) cp $2 /tmp/kept;; sum) openssl dgst -sha256 <$2 | sed 's/.*= //';; esac\n"
    )
    store.chmod(0o755)
    program = {"kind": "command", "store": ["/usr/local/bin/store", "put", "{file}"]}
    program |= {"check": ["/usr/local/bin/store", "sum", "{file}"], "remove": ["/usr/local/bin/store", "drop"]}
    copies = {"second": {"kind": "path", "directory": "/export/copies", "keep": 1}, "archive": program}
    told.run("images", "copy", "aix01", copies=copies)
    told.run("images", "verify", "--copies", copies=copies)


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
    "tests/backup/test_interrupted_runs.py": ("locks/lock_scripts.py peek_script",),
    "tests/backup/test_spool.py": (
        "backup/spool.py _say_busy",
        "backup/spool.py _take_limits",
        "backup/spool.py free_stale_slot_script",
        "locks/lock_scripts.py take_over_script",
    ),
    "tests/backup/test_exports_left.py": ("backup/nim_line.py take_out_script",),
    "tests/hosts/test_command.py": ("hosts/command.py wrapped",),
    "tests/images/test_exclusions.py": (
        "aix/exclude_rootvg.py _unless_seen",
        "aix/exclude_rootvg.py restore_script",
        "aix/exclude_rootvg.py write_script",
    ),
    "tests/images/test_fixed_name.py": ("images/fixed_steps.py backward",),
    "tests/images/test_kinds.py": ("images/kinds/savevg.py Savevg.header_shell",),
    "tests/images/test_prune.py": ("images/removal.py begun",),
    "tests/hooks/test_hooks_killed.py": ("hooks/on_master.py left_there",),
    "tests/drills/test_disk_drills.py": (
        "drills/disk_drill.py DiskDrill.clear",
        "drills/disk_drill.py DiskDrill.job",
        "drills/disk_drill.py _clearing",
        "drills/disk_drill.py _end",
        "drills/disk_drill.py _script",
    ),
    "tests/drills/test_lpar_drills.py": (
        "drills/lpar_drill.py LparDrill.clear",
        "drills/lpar_drill.py LparDrill.job",
        "drills/lpar_drill.py LparDrill.judge",
        "drills/lpar_drill.py _netboot",
    ),
    "tests/copies/test_path_copies.py": (
        "copies/path_copy.py PathCopy.abandon",
        "copies/path_copy.py PathCopy.remove",
    ),
    "tests/copies/test_command_copies.py": (
        "copies/command_copy.py CommandCopy.remove",
        "copies/command_copy.py _kit",
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
    "tests/drills/test_extract_drills.py": ("drills/extract_drill.py ExtractDrill.job",),
    "tests/disaster/test_disaster.py": (
        "actions/plan_restore.py _from_copy",
        "copies/history_copies.py fetch_history",
        "copies/history_copies.py history_copies",
        "copies/history_copies.py send_history",
        "images/kit/read_manifests.py _read",
    ),
}
DIRECTLY = ("tests/backup/test_spool.py", "tests/hosts/test_command.py")
"""Files whose texts run under every shell without an estate."""
"""What the story does not reach, by the tests that run it: under one shell, and in `make slow` under each."""
RESULTS: list[Any] = [
    (
        "check",
        0,
        [
            ("aix01", None, "ready", None, None),
            ("aix02", None, "ready", None, None),
            ("master", None, "ready", None, None),
            ("powerha1", None, "warning", None, None),
            ("powerha2", None, "ready", None, None),
        ],
        [],
    ),
    ("backup", 0, [("aix01", "ok", None, None, None), ("powerha1", "ok", None, "own-mount", None)], []),
    ("backup", 0, [("aix01", "ok", None, None, None)], []),
    ("check", 0, [("aix01", None, "ready", None, None), ("powerha1", None, "warning", None, None)], []),
    ("backup", 0, [("powerha1", "ok", None, "pre-export", None)], []),
    ("backup", 1, [("powerha1", "failed", None, "own-mount", "timed_out")], ["timed_out"]),
    ("recover", 0, [], []),
    *[("images", 0, [], [])] * 7,
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
    assert refused_by(shell_path(shell), heard) == []
    elsewhere = {name for names in ELSEWHERE.values() for name in names}
    assert elsewhere <= holding_text(), "there is no such text any more"
    missing = sorted(holding_text() - heard.ran - elsewhere)
    assert missing == [], "\n".join(["let the story reach these, too:", *missing])


def refused_by(shell: str, heard: Heard) -> list[str]:
    """The texts that the shell cannot read to their end, of those that were sent."""
    found = []
    for text in dict.fromkeys(heard.texts):
        done = subprocess.run([shell, "-n", "-c", text], capture_output=True, text=True, check=False)
        if done.returncode:
            found.append(f"{done.stderr}: {text[:200]}")
    return found


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "case",
    [
        test_spool.test_a_lock_whose_maker_died_before_it_wrote_anything_grows_old_and_is_taken_over,
        test_spool.test_a_slot_that_a_dead_run_holds_is_freed_and_a_fresh_one_is_not,
        test_spool.test_a_place_of_a_limit_that_a_dead_run_holds_is_freed,
        test_spool.test_a_holder_that_comes_back_keeps_its_lock,
    ],
)
def test_texts_of_the_spool_do_the_same(
    shell: str, case: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They need no estate."""
    (tmp_path / "slots").mkdir()
    monkeypatch.setattr(test_spool, "sh", partial(test_spool.sh, shell=shell_path(shell)))
    case(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("file", [file for file in ELSEWHERE if file not in DIRECTLY])
def test_what_the_story_does_not_reach_does_the_same(shell: str, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of it, once more, with this shell in their estates."""
    monkeypatch.setenv(SHELL, shell_path(shell))
    argv = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-m", "not slow", file]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
