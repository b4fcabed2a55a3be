"""Hands for tests of the estate itself: its shell is the only way in, as for nimwrap."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate, build

C_RSH = "/usr/lpp/bos.sysmgt/nim/methods/c_rsh"


@dataclass(frozen=True)
class Said:
    """What a script on a host came to."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Sim:
    """An estate and a shell on each of its hosts."""

    def __init__(self, root: Path, **spec: Any) -> None:
        self.estate: Estate = build(root, **spec)

    def run(self, script: str, host: str = "nim", *, stdin: str = "", timeout: float = 300) -> Said:
        done = subprocess.run(
            [self.estate.shell(host), "-c", script],
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def back_up(self, client: str, *, directory: str = "/export/nim/mksysb", more: str = "", env: str = "") -> Said:
        """NIM's own way, with nothing of nimwrap in it."""
        return self.run(
            f"{env} /usr/sbin/nim {more} -o define -t mksysb -a server=master -a source={client} -a mk_image=yes "
            f"-a mksysb_flags=ei -a location={directory}/{client}.mksysb {client}_mksysb"
        )

    def start(self, script: str, host: str = "nim") -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.estate.shell(host), "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture
def make_sim(tmp_path: Path) -> Iterator[Callable[..., Sim]]:
    """Builds an estate with the given keywords; whatever still hangs in it ends with the test."""
    made: list[Sim] = []

    def make(**spec: Any) -> Sim:
        made.append(Sim(tmp_path / f"estate{len(made)}", **spec))
        return made[-1]

    yield make
    for one in made:
        one.estate.stop()


@pytest.fixture
def sim(make_sim: Callable[..., Sim]) -> Sim:
    """The founding case: the service address comes first on powerha1."""
    return make_sim()
