"""Every act on every variant of a client and its channel: all right, or refused with the way out; nothing stays.

The whole table is slow; `make test` takes a channel that carries nothing of ours; narrow ones are in
tests/backup/test_narrow_channel.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate
from tests.backup.evidence import only_run
from tests.faults.results import DOCUMENT
from tests.faults.variants import ACTS, VARIANTS, Variant, confirm_variant, stored_variants, with_variants
from tests.running import Cli, ConfigWriter, Ran, begin
from tests.waiting import LIMIT_S, until

PLAIN, NODE = "aix01", "powerha1"
SAMPLE = ("methods-only",)
OK, REFUSED, NOT_BEGUN = "ok", "`{}`", "not begun"


@dataclass
class Scene:
    """One variant: its estate, what was there before it, and how nimwrap is called."""

    estate: Estate
    variant: Variant
    config: Path
    cli: Callable[..., Ran]
    home: Path

    def __post_init__(self) -> None:
        self.estate.instant()
        assert self.cli("backup", PLAIN).exit_code == 0
        self.exports = self.estate.exports_text()
        self.usual = {host: self.names(host) for host in self.estate.hosts}
        for switch, value in self.variant.switches.items():
            for host in self.estate.hosts:
                if self.estate.machine(host).facts["role"] != "master":
                    self.estate.fault(switch, value, host)

    def names(self, host: str) -> set[str]:
        """What lies in the host's root directory and /tmp; a stray file of a damaged command would be among it."""
        tree = self.estate.files(host)
        return {path.name for path in (*tree.iterdir(), *(tree / "tmp").iterdir())} - {"image.data"}

    def clean(self) -> None:
        """Exports, mounts, spool, staging and the hosts' directories are what they were."""
        assert self.estate.exports_text() == self.exports
        master = self.estate.files("nim")
        spool = master / "var/adm/nimwrap"
        assert [str(path) for path in spool.rglob("*") if path.name not in ("locks", "slots", "limits")] == []
        assert list((master / "export/nim/mksysb").rglob(".nimwrap/*")) == []
        for host, usual in self.usual.items():
            left = sorted(self.names(host) - usual) + self.estate.mounts(host)
            assert left == [], f"left on {host}: {left}"

    def cell(self, ran: Ran, run: dict[str, Any], wanted: str = "ok", code: str | None = None) -> str:
        """What to write for a run that should have ended so, or been refused."""
        failure = run["failure"] or {}
        if self.variant.refused:
            assert (ran.exit_code, run["outcome"]) == (10, "refused"), ran.stdout
            assert failure["fix"], ran.stdout
            return REFUSED.format(failure["code"])
        assert (run["outcome"], failure.get("code")) == (wanted, code), ran.stdout
        return OK

    def check(self) -> str:
        ran = self.cli("check", PLAIN, NODE, "--json")
        told = {one["client"]: one for one in ran.data["clients"]}
        if self.variant.refused:
            codes = {one["failure"]["code"] for one in told.values()}
            assert (ran.exit_code, len(codes)) == (10, 1), ran.stdout
            assert all(one["failure"]["fix"] for one in told.values())
            return REFUSED.format(*codes)
        assert (ran.exit_code, told[PLAIN]["verdict"], told[NODE]["verdict"]) == (0, "ready", "warning"), ran.stdout
        return OK

    def nim(self) -> str:
        ran = self.cli("backup", PLAIN, "--json")
        return self.cell(ran, only_run(ran))

    def remedied(self, *remedy: str) -> str:
        ran = self.cli("backup", NODE, "--json", remedies=remedy)
        run = only_run(ran)
        cell = self.cell(ran, run)
        assert self.variant.refused or run["remedy"] == remedy[0], ran.stdout
        return cell

    def interrupted(self, end: Callable[[Any], None], outcome: str, code: str | None) -> str:
        """An own-mount that waits in the middle of its image until ``end`` has happened to it."""
        if self.variant.refused:
            return NOT_BEGUN
        self.estate.hold_images(NODE)
        self.cli("config", "validate", remedies=("own-mount",))
        process = begin(self.home, self.config, "backup", NODE)
        until(lambda: writing_now(self.estate) or process.poll() is not None, "the image is being written")
        assert process.poll() is None, process.communicate()
        end(process)
        process.communicate(timeout=LIMIT_S)
        ran = self.cli("history", "--json", "--limit", "1")
        return self.cell(ran, only_run(ran), outcome, code)

    def cancelled(self, _process: Any) -> None:
        run = only_run(self.cli("history", "--json", "--limit", "1"))
        assert self.cli("cancel", run["id"]).exit_code == 0
        self.estate.release_images()

    def recovered(self, process: Any) -> None:
        process.kill()
        process.wait()
        self.estate.release_images()
        assert self.cli("recover").exit_code == 0

    def timed_out(self) -> str:
        if self.variant.refused:
            return NOT_BEGUN
        self.estate.hold_images(NODE)
        ran = self.cli("backup", NODE, "--json", remedies=("own-mount",), timeout_s="12s")
        cell = self.cell(ran, only_run(ran), "failed", "timed_out")
        self.estate.release_images()
        return cell

    def verify(self) -> str:
        ran = self.cli("images", "verify", "--json")
        assert ran.exit_code == 0, ran.stdout
        return OK


def writing_now(estate: Estate) -> bool:
    """Whether an image is being made in a directory of its own."""
    staged = (estate.files("nim") / "export/nim/mksysb").rglob(".nimwrap/*/*.mksysb")
    return any(path.stat().st_size > 0 for path in staged)


def played(scene: Scene) -> dict[str, str]:
    """All acts, one after the other; nothing may stay after any of them."""
    acts: dict[str, Callable[[], str]] = {
        "check": scene.check,
        "nim": scene.nim,
        "own-mount": lambda: scene.remedied("own-mount"),
        "pre-export": lambda: scene.remedied("pre-export"),
        "cancel": lambda: scene.interrupted(scene.cancelled, "failed", "cancelled"),
        "timeout": scene.timed_out,
        "recover": lambda: scene.interrupted(scene.recovered, "ok", None),
        "verify": scene.verify,
    }
    cells = {}
    for act in ACTS:
        cells[act] = acts[act]()
        scene.clean()
    return cells


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.slow]) for name in VARIANTS]
)
def test_every_act_is_right_or_truly_refused(
    name: str, estate: Estate, estate_config: ConfigWriter, run_cli: Cli, tmp_path: Path
) -> None:
    def cli(*words: str, remedies: tuple[str, ...] = (), timeout_s: str = "6h") -> Ran:
        policy: dict[str, Any] = {"timeout": timeout_s} | ({"remedies": list(remedies)} if remedies else {})
        return run_cli(*words, config=estate_config(backup=policy, retry={"attempts": 1}), timeout=LIMIT_S)

    confirm_variant(name, played(Scene(estate, VARIANTS[name], tmp_path / "nimwrap.toml", cli, tmp_path)))


def test_the_table_of_variants_is_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert with_variants(text) == text, "run: python -m tests.faults"
    assert list(stored_variants()) == list(VARIANTS)
