"""A fixed-name backup with retention, killed with SIGKILL before and after every journal write and remote command.

Only the points from the record of the proven image on are taken here; those before it belong to the backup's own
campaign. Every twentieth runs always, all of them with ``-m slow``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.load import load
from nimwrap.estate import Estate, build
from nimwrap.estate.image import DamagedError, check_whole
from nimwrap.history.sqlite.queries import Reader
from tests.running import Ran, run
from tests.sampling import some

PLACE = "/export/nim/mksysb/aix01/aix01_mksysb.mksysb"
POINTS = 71
"""At least as many as lie between the record of the image and the end of the run; a test says when it grows."""


PRUNE_POINTS = 40


def every(points: int) -> list[Any]:
    """All points, but always only every twentieth."""
    return some(range(points), always=range(3, points, 20))


@dataclass
class Site:
    """An estate with one image under the fixed name, which can be put back to that moment, or to one backup later."""

    root: Path
    kept: Path
    file: Path
    home: Path
    first: int

    @property
    def estate(self) -> Estate:
        return Estate(self.root)

    def reset(self, to: str = "one") -> None:
        shutil.rmtree(self.root)
        _copy(self.kept / to, self.root)

    def keep(self, name: str) -> None:
        _copy(self.root, self.kept / name)

    def policy(self, keep: int, naming: str = "fixed") -> None:
        self.file.write_text(self.estate.config(backup={"naming": naming, "keep": keep}))

    def nimwrap(self, *arguments: str, **env: str) -> Ran:
        return run(*arguments, home=self.home, config=self.file, env=env)

    def good(self) -> dict[str, str]:
        """Resources over whole images, with the image's date."""
        found = {}
        for name, one in self.estate.objects().items():
            if one.get("type") == "mksysb":
                try:
                    with (self.estate.files("nim") / one["location"].lstrip("/")).open("rb") as file:
                        found[name] = check_whole(file).date
                except (OSError, DamagedError):
                    continue
        return found


def _copy(tree: Path, to: Path) -> None:
    """The same moment once more. An image stays the same file, as its recorded inode says; nobody writes into one."""
    shutil.copytree(
        tree,
        to,
        symlinks=True,
        copy_function=lambda old, new: (os.link if old.endswith(".mksysb") else shutil.copy2)(old, new),
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    base = tmp_path_factory.mktemp("campaign")
    build(base / "estate", clients=1, cluster=False)
    file, home = base / "nimwrap.toml", base / "home"
    home.mkdir()
    made = Site(base / "estate", base / "kept", file, home, 0)
    made.policy(keep=1)
    assert made.nimwrap("backup", "aix01").exit_code == 0
    made.keep("one")
    trace = base / "trace"
    assert made.nimwrap("backup", "aix01", NIMWRAP_FAILPOINT_TRACE=str(trace)).exit_code == 0
    labels = trace.read_text().splitlines()
    made.first = 1 + next(n for n, label in enumerate(labels) if "history.add_image after" in label)
    assert len(labels) - made.first < POINTS, f"POINTS has to be at least {len(labels) - made.first + 1}"
    made.reset()
    made.policy(keep=9)
    assert made.nimwrap("backup", "aix01").exit_code == 0
    made.keep("two")
    made.policy(keep=1)
    trace.unlink()
    assert made.nimwrap("images", "prune", NIMWRAP_FAILPOINT_TRACE=str(trace)).exit_code == 0
    assert len(trace.read_text().splitlines()) < PRUNE_POINTS
    yield made


def test_it_goes_well_when_nothing_is_killed(site: Site) -> None:
    site.reset()
    assert site.nimwrap("backup", "aix01").exit_code == 0
    assert_in_order(site)


@pytest.mark.parametrize("point", every(POINTS))
def test_killed_at_a_point(site: Site, point: int) -> None:
    site.reset()
    before = site.good()
    killed = site.nimwrap("backup", "aix01", NIMWRAP_FAILPOINT_KILL=str(site.first + point))
    assert killed.exit_code in (-9, 137, 0), killed
    assert site.good(), "at this instant there is no good image"
    recovered = site.nimwrap("recover", "--json")
    assert recovered.exit_code == 0, recovered
    assert_in_order(site)
    assert site.good()["aix01_mksysb"] != before["aix01_mksysb"] or len(before) > 1


@pytest.mark.parametrize("point", some([13, 21, 27, 37, 41], always=[27]))
def test_a_replacement_goes_on_when_naming_was_changed_since(site: Site, point: int) -> None:
    """Killed between the journal and its removal: the journalled steps count, not the configuration of now."""
    site.reset()
    try:
        assert site.nimwrap("backup", "aix01", NIMWRAP_FAILPOINT_KILL=str(site.first + point)).exit_code in (-9, 137)
        site.policy(keep=1, naming="dated")
        assert site.nimwrap("recover").exit_code == 0
        assert_in_order(site)
    finally:
        site.policy(keep=1)


def assert_in_order(site: Site) -> None:
    """One good image under the name, the newest one; history, NIM and disk agree; nothing waits for anybody."""
    good = site.good()
    assert "aix01_mksysb" in good
    assert site.estate.objects()["aix01_mksysb"]["location"] == PLACE
    with Reader.open(load(site.file).database) as reader:
        assert reader.open_runs() == []
        assert list((load(site.file).state_dir / "owners").glob("2*.lock")) == []
        runs = reader.runs()
        assert [row.outcome for row in runs] == ["ok", "ok"]
        images = reader.images()
        assert [row.removal for row in images] == [None] * len(images)
        newest = reader.last_good("nim", "aix01")
        assert newest is not None
        assert (newest.run, newest.location, newest.resource) == (runs[0].id, PLACE, "aix01_mksysb")
    listed = site.nimwrap("images", "list", "--json")
    assert [one["remarks"] for one in listed.data["images"]] == [[]] * len(good)
    spool = site.estate.files("nim") / "var/adm/nimwrap"
    assert [path.name for path in spool.rglob("*") if path.is_file()] == []
    assert site.nimwrap("images", "prune").exit_code == 0
    assert set(site.good()) == {"aix01_mksysb"}


@pytest.mark.parametrize("point", every(PRUNE_POINTS))
def test_a_prune_killed_at_a_point(site: Site, point: int) -> None:
    """Whatever is killed, the last good one stays; recover leaves nothing half removed, and a second prune ends it."""
    site.reset("two")
    killed = site.nimwrap("images", "prune", NIMWRAP_FAILPOINT_KILL=str(point + 1))
    assert killed.exit_code in (-9, 137, 0), killed
    assert "aix01_mksysb" in site.good()
    assert site.nimwrap("recover").exit_code == 0
    assert_in_order(site)
