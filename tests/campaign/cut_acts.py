"""The acts of the cut campaign: what each finds there, what is called, and what may have gone when it is over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nimwrap.estate import Estate
from tests.campaign.cut_nimwrap import cut_below
from tests.campaign.forked import call
from tests.campaign.stage import Act, Stage, kill_wrappers
from tests.running import command, environment

LIMIT_S = 300
"""The longest that one call may take; whatever is cut, it must end."""


@dataclass(frozen=True)
class CutAct:
    """``words``: the call; ``prepare``: what is done once before it; ``begin``: what is done before each call.

    ``begin`` returns more words for the call. ``loses``: the act may take older images away. ``killed``: what was
    killed before it left its run's image behind. ``again``: how the call may end when it is made once more.
    """

    words: tuple[str, ...]
    client: str = "aix01"
    backup: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[CutStage], None] = lambda stage: None
    begin: Callable[[CutStage], tuple[str, ...]] = lambda stage: ()
    loses: bool = False
    killed: bool = False
    again: tuple[int, ...] = (0,)


class CutStage(Stage):
    """An estate that can be put back to the moment before the act."""

    def __init__(self, root: Path, name: str, behaviour: str) -> None:
        self.cut_act = ACTS[name]
        naming = self.cut_act.backup.get("naming", "dated")
        config = root / "nimwrap.toml"
        super().__init__(root, Act(behaviour, naming=naming), Estate(root / "estate"), config)
        self.background: list[subprocess.Popen[bytes]] = []
        self.configure(**self.cut_act.backup)

    def configure(self, **backup: Any) -> None:
        self.config.write_text(self.estate.config(backup=backup))

    def keep(self) -> None:
        """This is the moment to come back to."""
        _copy(self.root / "estate", self.root / "kept")
        self.exports, self.good = self.estate.exports_text(), self.images()

    def reset(self) -> None:
        for process in self.background:
            process.kill()
            process.wait()
        self.background.clear()
        self.estate.stop()
        shutil.rmtree(self.root / "estate")
        _copy(self.root / "kept", self.root / "estate")

    def must(self, *words: str) -> None:
        """A call that has to go well."""
        done = self.call(*words)
        assert done.returncode == 0, (words, done.stdout.decode(), done.stderr.decode())

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
        """Any call, with the tracebacks of our own errors; those that are to be killed are processes of their own."""
        if environ:
            return super().call(*arguments, **environ)
        return call(["-v", "--config", str(self.config), *arguments], environment(self.root), LIMIT_S)

    def cut(self, words: tuple[str, ...], kind: str, first: int, last: int) -> tuple[int, bytes, int]:
        """The call with these round trips cut: its exit code, all that it said, how many it made."""
        count = self.root / "count"
        count.write_text("")
        argv = ["-v", "--config", str(self.config), *words]
        done = call(argv, environment(self.root), LIMIT_S, lambda: cut_below(kind, first, last, count))
        return done.returncode, done.stdout + done.stderr, len(count.read_text())


def _copy(estate: Path, to: Path) -> None:
    """The whole estate; an image stays the same file, by which nimwrap knows it."""

    def one(source: str, target: str) -> None:
        if "/export/" in source:
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(estate, to, symlinks=True, copy_function=one)


def _again(stage: CutStage) -> None:
    """A second image, with more of them kept than later."""
    stage.configure(**stage.cut_act.backup | {"keep": 9})
    stage.must("backup", stage.cut_act.client)
    stage.must("backup", stage.cut_act.client)
    stage.configure(**stage.cut_act.backup)


def _forgotten(stage: CutStage) -> None:
    """The images are NIM's own: nimwrap has no history of them."""
    shutil.rmtree(stage.root / "estate/nimwrap")


def _imported(stage: CutStage) -> None:
    _forgotten(stage)
    stage.must("images", "import")


def _killed(stage: CutStage) -> None:
    """A backup whose nimwrap was killed while its image was being made; the image is whole by now."""
    process, _ = _held(stage)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stage.estate.release_images()
    spool = stage.estate.files("nim") / "var/adm/nimwrap"
    _until(lambda: any(spool.glob("*/done")))


def _wrapper_killed(stage: CutStage) -> None:
    """A backup whose nimwrap and wrapper were killed while the image was being made."""
    process, _ = _held(stage)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kill_wrappers(stage)
    stage.estate.release_images()


def _killed_at(stage: CutStage, words: tuple[str, ...], since: str, label: str, times: int) -> None:
    """The call killed at the failpoint that has this label for the ``times``-th time after the first ``since``."""
    trace, aside = stage.root / "trace", stage.root / "aside"
    _copy(stage.root / "estate", aside)
    assert stage.call(*words, NIMWRAP_FAILPOINT_TRACE=str(trace)).returncode == 0
    shutil.rmtree(stage.root / "estate")
    aside.rename(stage.root / "estate")
    labels = [line.partition(" ")[2] for line in trace.read_text().splitlines()]
    after = labels.index(since)
    numbers = [number for number, each in enumerate(labels, 1) if number > after and each == label]
    assert stage.call(*words, NIMWRAP_FAILPOINT_KILL=str(numbers[times - 1])).returncode == -signal.SIGKILL


def _half_removed(stage: CutStage) -> None:
    """A removal that is written down and not carried out."""
    _again(stage)
    _killed_at(stage, ("images", "prune"), "history.event before", "history.event after", 2)


def _half_fixed(stage: CutStage) -> None:
    """A proven image on its way to the fixed name, some of its steps done."""
    _killed_at(stage, ("backup", "aix01"), "history.add_image after", "history.event after", 3)


def _running(stage: CutStage) -> tuple[str, ...]:
    """A backup whose image waits half written."""
    process, run = _held(stage)
    stage.background.append(process)
    return (run,)


def _held(stage: CutStage) -> tuple[subprocess.Popen[bytes], str]:
    stage.estate.hold_images()
    process = subprocess.Popen(
        command("backup", stage.cut_act.client, config=stage.config),
        env=environment(stage.root),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    known = stage.good.keys() | stage.images().keys()
    _until(lambda: bool(stage.images().keys() - known))
    return process, str(stage.rows("select id from runs where outcome = 'running'")[0]["id"])


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.05)


_OWN_MOUNT: dict[str, Any] = {"remedies": ["own-mount"], "keep": 9}
_PRE_EXPORT: dict[str, Any] = {"remedies": ["pre-export", "own-mount"], "keep": 9}
_FIXED: dict[str, Any] = {"naming": "fixed", "keep": 1}
_ENDED_BEFORE = (0, 1, 2)
"""By this call; too late, its image is whole; by the one before."""

ACTS = {
    "backup-nim": CutAct(("backup", "aix01"), backup={"keep": 9}),
    "own-mount": CutAct(("backup", "powerha1"), "powerha1", _OWN_MOUNT),
    "pre-export": CutAct(("backup", "powerha1"), "powerha1", _PRE_EXPORT),
    "fixed": CutAct(("backup", "aix01"), backup=_FIXED, loses=True),
    "retention": CutAct(("backup", "aix01"), backup={"keep": 1}, prepare=_again, loses=True),
    "prune": CutAct(("images", "prune"), backup={"keep": 1}, prepare=_again, loses=True),
    "import": CutAct(("images", "import"), prepare=_forgotten),
    "adopt": CutAct(("images", "adopt", "aix01"), prepare=_imported),
    "verify": CutAct(("images", "verify")),
    "verify-full": CutAct(("images", "verify", "--full")),
    "cancel": CutAct(("cancel",), "powerha1", _OWN_MOUNT, begin=_running, again=_ENDED_BEFORE),
    "cancel-pre-export": CutAct(("cancel",), "powerha1", _PRE_EXPORT, begin=_running, again=_ENDED_BEFORE),
    "recover": CutAct(("recover",), "powerha1", _PRE_EXPORT, prepare=_killed, killed=True),
    "recover-own-mount": CutAct(("recover",), "powerha1", _OWN_MOUNT, prepare=_killed, killed=True),
    "recover-wrapper": CutAct(("recover",), "powerha1", _PRE_EXPORT, prepare=_wrapper_killed, killed=True),
    "recover-removal": CutAct(("recover",), backup={"keep": 1}, prepare=_half_removed, loses=True, killed=True),
    "recover-fixed": CutAct(("recover",), backup=_FIXED, prepare=_half_fixed, loses=True, killed=True),
    "hold": CutAct(("hold", "aix01", "--reason", "cut")),
    "release": CutAct(("release", "aix01"), prepare=lambda stage: stage.must("hold", "aix01", "--reason", "cut")),
}
