"""One world: an estate with two clients, on which nimwrap and other people work in any order.

The rules are our commands and foreign hands; what must hold is read from the master's disk and exports, never from
our rows.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nimwrap.estate import Estate, build
from tests.preloaded import Preloaded
from tests.running import Ran, run

CLIENTS = ("aix01", "aix02")
WHICH = st.integers(min_value=0, max_value=9)
CLIENT = st.sampled_from(CLIENTS)


@dataclass
class Made:
    """An image that nimwrap made and called good. ``harmed``: somebody else has been at it since."""

    client: str
    place: str
    content: bytes
    resource: str
    harmed: bool = False


class World(RuleBasedStateMachine):
    """See the module. ``loaded``: the process from which nimwrap is forked, where there is one."""

    loaded: ClassVar[Preloaded | None] = None

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="nimwrap-world-"))
        (self.root / "home").mkdir()
        self.estate: Estate = build(self.root / "estate", clients=2, cluster=False)
        self.config = self.root / "nimwrap.toml"
        self.config.write_text(self.estate.config(backup={"keep": 1}, retry={"attempts": 1}))
        self.made: list[Made] = []
        self.theirs: dict[str, bytes] = {}
        self.forgotten = False

    def teardown(self) -> None:
        if hasattr(self, "estate"):
            self.estate.stop()
            shutil.rmtree(self.root, ignore_errors=True)

    def disk(self, place: str) -> Path:
        return self.estate.files("nim") / place.lstrip("/")

    def call(self, *arguments: str) -> Ran:
        ran = run(*arguments, "--json", home=self.root / "home", config=self.config, loaded=self.loaded)
        self.retire()
        return ran

    def retire(self) -> None:
        """Beside a newer good one an older one may go."""
        for client in CLIENTS:
            whole = [one for one in self.made if one.client == client and not one.harmed]
            self.made = [one for one in self.made if one not in whole[:-1] or self.disk(one.place).is_file()]

    # --- our commands

    @rule(client=CLIENT)
    def backup(self, client: str) -> None:
        ran = self.call("backup", client)
        rows: list[dict[str, Any]] = ran.data["runs"]
        assert [row["client"] for row in rows] == [client], ran.stdout
        image = rows[0]["image"]
        assert (image is not None) == (rows[0]["outcome"] in ("ok", "warning")), ran.stdout
        assert (ran.exit_code == 0) == (rows[0]["outcome"] in ("ok", "warning")), ran.stdout
        if image is not None:
            content = self.disk(image["location"]).read_bytes()
            self.made.append(Made(client, image["location"], content, image["resource"]))
            self.retire()

    @rule(words=st.sampled_from([("images", "list"), ("images", "verify"), ("status", "--refresh"), ("recover",)]))
    def look(self, words: tuple[str, ...]) -> None:
        self.call(*words)

    @rule(resume=st.booleans())
    def prune(self, resume: bool) -> None:
        self.call("images", "prune", *(["--resume"] if resume else []))

    # --- foreign hands

    def some(self, which: int) -> Made | None:
        there = [one for one in self.made if not one.harmed and self.disk(one.place).is_file()]
        return there[which % len(there)] if there else None

    @precondition(lambda self: bool(self.made))
    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        if image := self.some(which):
            self.disk(image.place).unlink()
            image.harmed = True

    @precondition(lambda self: bool(self.made))
    @rule(which=WHICH)
    def replace(self, which: int) -> None:
        """A file of a person under our name: other content, same size."""
        if image := self.some(which):
            self.disk(image.place).rename(self.disk(f"{image.place}.aside"))
            self.theirs[f"{image.place}.aside"] = image.content
            self.theirs[image.place] = bytes(reversed(image.content))
            self.disk(image.place).write_bytes(self.theirs[image.place])
            image.harmed = True

    @precondition(lambda self: bool(self.made))
    @rule(which=WHICH)
    def truncate(self, which: int) -> None:
        """In place, so that whoever has the file by another name has it cut as well."""
        if image := self.some(which):
            cut = image.content[:100_000]
            linked = [place for place in self.theirs if self.disk(place).samefile(self.disk(image.place))]
            self.disk(image.place).write_bytes(cut)
            self.theirs.update(dict.fromkeys(linked, cut))
            image.harmed = True

    @precondition(lambda self: bool(self.made))
    @rule(which=WHICH)
    def link(self, which: int) -> None:
        """A person's own resource is the same file by another name."""
        image, golden = self.some(which), f"/export/nim/mksysb/golden{len(self.theirs)}"
        if image is not None:
            self.disk(golden).hardlink_to(self.disk(image.place))
            self.theirs[golden] = image.content

    @rule(client=CLIENT)
    def plant_lock(self, client: str) -> None:
        """A lock of nobody, with a heartbeat of another century; the next hand takes it away again."""
        lock = self.estate.files("nim") / f"var/adm/nimwrap/locks/{client}"
        if lock.is_dir():
            shutil.rmtree(lock)
        else:
            lock.mkdir(parents=True)
            (lock / "run").write_text("20991231T000000-nobody-0000\n")
            (lock / "heartbeat").write_text("20991231000000\n")

    @rule()
    def keep_history(self) -> None:
        for path in (self.estate.root / "nimwrap").glob("history.db*"):
            shutil.copy2(path, self.root / path.name)

    @precondition(lambda self: (self.root / "history.db").exists())
    @rule()
    def restore_history(self) -> None:
        for path in (self.estate.root / "nimwrap").glob("history.db*"):
            path.unlink()
        for path in self.root.glob("history.db*"):
            shutil.copy2(path, self.estate.root / "nimwrap" / path.name)
        self.forgotten = True

    # --- what holds

    @invariant()
    def the_newest_good_image_is_there(self) -> None:
        for client in CLIENTS:
            whole = [one for one in getattr(self, "made", []) if one.client == client and not one.harmed]
            if whole:
                newest = self.disk(whole[-1].place)
                assert newest.is_file() and newest.read_bytes() == whole[-1].content, f"{whole[-1].place} is lost"

    @invariant()
    def what_is_theirs_is_as_they_left_it(self) -> None:
        for place, content in getattr(self, "theirs", {}).items():
            assert self.disk(place).is_file() and self.disk(place).read_bytes() == content, f"{place} was touched"

    @invariant()
    def no_export_of_ours_is_open(self) -> None:
        if hasattr(self, "estate"):
            assert ".nimwrap" not in self.estate.exports_text().decode()

    @precondition(lambda self: bool(getattr(self, "made", [])) and not self.forgotten)
    @rule()
    def a_loss_is_told(self) -> None:
        """Who asks after the last good image of a client is gone hears it."""
        ran = self.call("status", "--refresh")
        verdicts = {one["client"]: one["verdict"] for one in ran.data["clients"]}
        for client in CLIENTS:
            own = [one for one in self.made if one.client == client]
            locked = (self.estate.files("nim") / f"var/adm/nimwrap/locks/{client}").is_dir()
            if own and not locked and not self.disk(own[-1].place).is_file():
                assert verdicts[client] == "critical", ran.stdout
        assert not [one for one in self.call("history").data["runs"] if one["outcome"] == "running"]
