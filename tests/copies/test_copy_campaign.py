"""``images copy`` killed with SIGKILL before and after every journal write and every remote command.

Whatever is killed: no copy is called ok that is not, recover leaves nothing half, and the next pass ends it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.images.imagelab import Lab
from tests.running import Ran, run
from tests.sampling import some

POINTS = 80
"""At least as many as a pass has that copies one image and drops another; a test says when it grows."""
COPIES = {"second": {"kind": "path", "directory": "/export/copies", "keep": 1}}


@dataclass
class Site:
    root: Path
    kept: Path
    file: Path
    home: Path
    digest: str
    points: int = 0

    def reset(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.kept, self.root, symlinks=True)

    def nimwrap(self, *arguments: str, **env: str) -> Ran:
        return run(*arguments, home=self.home, config=self.file, env=env)

    def assert_nothing_is_called_ok_that_is_not(self) -> set[str]:
        good = set()
        for copy in self.nimwrap("images", "copies", "--json").data["copies"]:
            if copy["state"] == "ok":
                path = self.root / "hosts/nim" / copy["location"].lstrip("/")
                assert copy["checksum"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
                good.add(copy["image"])
        return good

    def left(self) -> list[str]:
        spool = self.root / "hosts/nim/var/adm/nimwrap"
        half = [str(path) for path in (self.root / "hosts/nim/export/copies").rglob("*.part")]
        return half + [str(path) for path in spool.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One image is copied already, a newer one is there: a pass copies it, and drops the copy of the older."""
    base = tmp_path_factory.mktemp("copies")
    home = base / "home"
    home.mkdir()
    lab = Lab(base, clients=1, copies=COPIES)
    now = datetime.now(UTC)
    lab.make("aix01", 2, created=now - timedelta(days=2))
    assert run("images", "copy", home=home, config=lab.file).exit_code == 0
    row = lab.make("aix01", 1, created=now - timedelta(days=1))
    digest = hashlib.sha256(lab.disk(row.location).read_bytes()).hexdigest()
    lab.reader.close()
    lab.store.close()
    shutil.copytree(base / "estate", base / "kept", symlinks=True)
    made = Site(base / "estate", base / "kept", lab.file, home, digest)
    trace = base / "trace"
    assert made.nimwrap("images", "copy", NIMWRAP_FAILPOINT_TRACE=str(trace)).exit_code == 0
    made.points = len(trace.read_text().splitlines())
    assert made.points < POINTS, f"POINTS has to be at least {made.points + 1}"
    yield made


@pytest.mark.parametrize("point", some(range(POINTS), always=range(5, POINTS, 14)))
def test_killed_at_a_point(site: Site, point: int) -> None:
    site.reset()
    killed = site.nimwrap("images", "copy", NIMWRAP_FAILPOINT_KILL=str(point + 1))
    assert killed.exit_code in (-9, 137, 0), killed
    assert site.assert_nothing_is_called_ok_that_is_not(), "the last proven copy is gone"
    recovered = site.nimwrap("recover", "--json")
    assert recovered.exit_code == 0, recovered
    assert site.assert_nothing_is_called_ok_that_is_not()
    ended = site.nimwrap("images", "copy", "--json")
    assert ended.exit_code == 0, ended
    assert len(site.assert_nothing_is_called_ok_that_is_not()) == 1, "the newest, and the older one is gone"
    assert site.nimwrap("images", "verify", "--copies").exit_code == 0
    assert site.left() == []
