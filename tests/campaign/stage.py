"""One act of the campaign: an estate with a good image, a backup that is killed, a recover, what must hold then."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nimwrap.estate import Estate, build
from nimwrap.images.kit.kit_names import is_kit_file
from tests.faults.variants import VARIANTS
from tests.running import command, environment

RECOVER_S = 180
ENDING_S = 60
"""What a dead nimwrap's last question may take to end on a busy machine: its limits look every second whether anybody
waits."""
IMAGE_ROOT = "export/nim/mksysb"


@dataclass(frozen=True)
class Act:
    """``kill_at``: the number of the failpoint to die at; ``kill_after``: seconds after the start, instead.

    ``kill_wrapper``: the detached wrapper on the master is killed as well. ``naming``: ``fixed`` replaces a name.
    ``variant``: what the clients and their channels are like by then (tests/faults/variants.py).
    """

    behaviour: str = "merge"
    transport: str = "local"
    client: str = "powerha1"
    remedies: tuple[str, ...] = ("own-mount", "pre-export")
    kill_at: int | None = None
    kill_after: float | None = None
    kill_wrapper: bool = False
    naming: str = "dated"
    variant: str = "plain"


@dataclass
class Stage:
    """The estate of one act and how to call nimwrap on it."""

    root: Path
    act: Act
    estate: Estate
    config: Path
    exports: bytes = b""
    good: dict[str, bytes] = field(default_factory=dict)
    usual: dict[str, set[str]] = field(default_factory=dict)

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command(*arguments, config=self.config),
            env=environment(self.root, **environ),
            capture_output=True,
            timeout=RECOVER_S,
            check=False,
        )

    def images(self) -> dict[str, bytes]:
        """Every file below the image directory, by its path on the master."""
        top = self.estate.files("nim")
        files = [path for path in (top / IMAGE_ROOT).rglob("*") if path.is_file() and not is_kit_file(str(path))]
        return {f"/{path.relative_to(top)}": path.read_bytes() for path in files}

    def names(self, host: str) -> set[str]:
        """What lies in the host's root directory and /tmp; a stray file of a damaged command would be among it."""
        tree = self.estate.files(host)
        return {path.name for path in (*tree.iterdir(), *(tree / "tmp").iterdir())} - {"image.data"}

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with sqlite3.connect(self.root / "estate/nimwrap/history.db") as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql)]


@contextmanager
def staged(root: Path, act: Act) -> Iterator[Stage]:
    """An estate with one proven image of the client already there."""
    with ExitStack() as stack:
        estate = build(root / "estate")
        estate.behaviour(act.behaviour)
        master: dict[str, Any] = {}
        if act.transport != "local":
            from tests.hosts.sshd import Sshd

            server = stack.enter_context(Sshd(root / "sshd", force_command=estate.shell("nim")))
            master = server.master_keys()
        config = root / "nimwrap.toml"
        config.write_text(
            estate.config(
                act.transport, master=master, backup={"remedies": list(act.remedies), "naming": act.naming, "keep": 2}
            )
        )
        stage = Stage(root, act, estate, config)
        first = stage.call("backup", act.client, "--json")
        assert first.returncode == 0, first.stdout.decode() + first.stderr.decode()
        stage.exports = estate.exports_text()
        stage.good = stage.images()
        for switch, value in VARIANTS[act.variant].switches.items():
            for host in set(estate.hosts) - {"nim"}:
                estate.fault(switch, value, host)
        stage.usual = {host: stage.names(host) for host in estate.hosts}
        try:
            yield stage
        finally:
            estate.stop()


def count_points(stage: Stage) -> list[str]:
    """The labels of all failpoints of one whole backup, in order."""
    trace = stage.root / "trace"
    done = stage.call("backup", stage.act.client, "--json", NIMWRAP_FAILPOINT_TRACE=str(trace))
    assert done.returncode == 0, done.stdout.decode()
    return trace.read_text().splitlines()


def perform(stage: Stage, rng: random.Random) -> list[str]:
    """Kill one backup as the act says, recover, and return what does not hold; empty when all is well."""
    act = stage.act
    environ = {"NIMWRAP_FAILPOINT_KILL": str(act.kill_at)} if act.kill_at else {}
    backup = subprocess.Popen(
        command("backup", act.client, "--json", config=stage.config),
        env=environment(stage.root, **environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if act.kill_after is not None:
        time.sleep(act.kill_after)
        backup.kill()
    backup.wait(RECOVER_S)
    if act.kill_wrapper:
        time.sleep(rng.uniform(0, 0.5))
        kill_wrappers(stage)
    recovered = stage.call("recover", "--json")
    again = stage.call("recover", "--json")
    found = violations(stage)
    for done in (recovered, again):
        if done.returncode != 0:
            found.append(f"recover ended with {done.returncode}: {done.stdout.decode()} {done.stderr.decode()}")
    return found


def kill_wrappers(stage: Stage) -> None:
    for pid in (stage.estate.files("nim") / "var/adm/nimwrap").glob("*/pid"):
        number = pid.read_text().strip()
        if number.isdigit() and b"wrapper" in _command_line(int(number)):
            os.kill(int(number), signal.SIGKILL)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def violations(stage: Stage) -> list[str]:
    """(a) exports as before, (b) no good image lost, (c) true outcomes, (d) nothing left, (e) integrity."""
    return [
        *_exports(stage),
        *_lost(stage),
        *_outcomes(stage),
        *_left(stage),
        *_integrity(stage),
    ]


def _exports(stage: Stage) -> Iterator[str]:
    now = stage.estate.exports_text()
    if now != stage.exports:
        yield f"(a) exports are not as before: {now.decode()!r}"


def _lost(stage: Stage) -> Iterator[str]:
    images = stage.images()
    for path, content in stage.good.items():
        if images.get(path) != content and content not in images.values():
            yield f"(b) the image {path} is lost"
    for row in stage.rows("select location from images where verified = 1 and removed is null"):
        if row["location"] not in images:
            yield f"(b) {row['location']} is recorded as good and is not there"
    if stage.act.naming == "fixed" and not any(path.endswith("_mksysb.mksysb") for path in images):
        yield "(b) nothing bears the fixed name"


def _outcomes(stage: Stage) -> Iterator[str]:
    images, objects = stage.images(), stage.estate.objects()
    recorded = {row["location"]: row for row in stage.rows("select * from images where removed is null")}
    removed = {row["run"] for row in stage.rows("select run from images where removed is not null")}
    for run_row in stage.rows("select * from runs"):
        own = [row for row in recorded.values() if row["run"] == run_row["id"]]
        if run_row["outcome"] == "running":
            yield f"(c) {run_row['id']} is still open"
        elif run_row["outcome"] in ("ok", "warning"):
            if not own and run_row["id"] not in removed:
                yield f"(c) {run_row['id']} is {run_row['outcome']} without an image"
            for row in own:
                if objects.get(row["resource"], {}).get("location") != row["location"]:
                    yield f"(c) {row['resource']} is not defined at {row['location']}"
        elif own:
            yield f"(c) {run_row['id']} is {run_row['outcome']} but has an image"
    for path in images.keys() - recorded.keys():
        yield f"(c) {path} lies there unrecorded"
    for name, found in objects.items():
        if found.get("type") == "mksysb" and found.get("location") not in recorded:
            yield f"(c) the resource {name} is defined and unrecorded"


def _left(stage: Stage) -> Iterator[str]:
    spool = stage.estate.files("nim") / "var/adm/nimwrap"
    for path in sorted(spool.rglob("*")) if spool.exists() else []:
        if path not in (spool / "locks", spool / "slots", spool / "limits"):
            yield f"(d) left in the spool: {path.relative_to(spool)}"
    for host in stage.estate.hosts:
        for mount in stage.estate.mounts(host):
            yield f"(d) still mounted on {host}: {mount}"
    ends = time.monotonic() + ENDING_S
    while (list(_processes(stage)) or list(_stray(stage))) and time.monotonic() < ends:
        time.sleep(0.2)
    yield from _stray(stage)
    processes = list(_processes(stage))
    for line in processes:
        said = line.decode(errors="replace").replace("\0", " ")
        yield f"(d) still running after {ENDING_S} s: {said[:200]} ... {said[-300:]}"


def _stray(stage: Stage) -> Iterator[str]:
    """A script that was on its way in pieces when nimwrap died is taken away by the master."""
    for host, usual in stage.usual.items():
        for name in sorted(stage.names(host) - usual):
            yield f"(d) left on {host}: {name}"


def _processes(stage: Stage) -> Iterator[bytes]:
    """What still works for the backup on any host; a question that was on its way when nimwrap died ends by itself."""
    marker = str(stage.root).encode()
    for process in Path("/proc").glob("[0-9]*"):
        line = _command_line(int(process.name))
        if marker in line and (b"wrapper" in line or b"mksysb" in line) and b"sshd" not in line:
            yield line


def _integrity(stage: Stage) -> Iterator[str]:
    (row,) = stage.rows("pragma integrity_check")
    if row["integrity_check"] != "ok":
        yield f"(e) the history is damaged: {row}"
