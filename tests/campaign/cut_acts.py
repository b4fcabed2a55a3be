"""The acts of the cut campaign: what each finds there, what is called, and what may have gone when it is over."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nimwrap.estate import Estate
from tests.campaign.stage import Act, Stage
from tests.running import command, environment

LIMIT_S = 300
"""The longest that one call may take; whatever is cut, it must end."""


@dataclass(frozen=True)
class CutAct:
    """``words``: the call; ``prepare``: what is done once before it; ``begin``: what is done before each call.

    ``begin`` returns more words for the call. ``loses``: the act may take older images away.
    """

    words: tuple[str, ...]
    client: str = "aix01"
    backup: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[CutStage], None] = lambda stage: None
    begin: Callable[[CutStage], tuple[str, ...]] = lambda stage: ()
    loses: bool = False


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
        shutil.copytree(self.root / "estate", self.root / "kept", symlinks=True)
        self.exports, self.good = self.estate.exports_text(), self.images()

    def reset(self) -> None:
        for process in self.background:
            process.kill()
            process.wait()
        self.background.clear()
        self.estate.stop()
        shutil.rmtree(self.root / "estate")
        shutil.copytree(self.root / "kept", self.root / "estate", symlinks=True)

    def must(self, *words: str) -> None:
        """A call that has to go well."""
        done = self.call(*words)
        assert done.returncode == 0, (words, done.stdout.decode(), done.stderr.decode())

    def cut(self, words: tuple[str, ...], kind: str, first: int, last: int) -> tuple[int, bytes, int]:
        """The call with these round trips cut: its exit code, what it said on stderr, how many it made."""
        count = self.root / "count"
        count.write_text("")
        told = {"CUT_KIND": kind, "CUT_FIRST": str(first), "CUT_LAST": str(last), "CUT_COUNT": str(count)}
        argv = command(*words, config=self.config)
        argv[argv.index("nimwrap")] = "tests.campaign.cut_nimwrap"
        done = subprocess.run(
            argv, env=environment(self.root, **told), capture_output=True, timeout=LIMIT_S, check=False
        )
        return done.returncode, done.stderr, len(count.read_text())


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


ACTS = {
    "backup-nim": CutAct(("backup", "aix01"), backup={"keep": 9}),
    "own-mount": CutAct(("backup", "powerha1"), "powerha1", {"remedies": ["own-mount"], "keep": 9}),
    "pre-export": CutAct(("backup", "powerha1"), "powerha1", {"remedies": ["pre-export", "own-mount"], "keep": 9}),
    "fixed": CutAct(("backup", "aix01"), backup={"naming": "fixed", "keep": 1}, loses=True),
    "retention": CutAct(("backup", "aix01"), backup={"keep": 1}, prepare=_again, loses=True),
    "prune": CutAct(("images", "prune"), backup={"keep": 1}, prepare=_again, loses=True),
    "import": CutAct(("images", "import"), prepare=_forgotten),
    "adopt": CutAct(("images", "adopt", "aix01"), prepare=_imported),
    "verify": CutAct(("images", "verify")),
    "verify-full": CutAct(("images", "verify", "--full")),
    "cancel": CutAct(("cancel",), "powerha1", {"remedies": ["own-mount"], "keep": 9}, begin=_running),
    "recover": CutAct(("recover",), "powerha1", {"remedies": ["pre-export", "own-mount"], "keep": 9}, prepare=_killed),
    "hold": CutAct(("hold", "aix01", "--reason", "cut")),
}
