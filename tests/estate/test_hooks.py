"""The hooks of a network lab, with small programs in place of the lab's: who is asked, and what the answers become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.estate import hooks

from .conftest import C_RSH, Sim

DEFINE = (
    "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes "
    "-a location=/export/nim/mksysb/aix01.mksysb aix01_m"
)


@pytest.fixture
def hook(sim: Sim, tmp_path: Path) -> Callable[[str, str], Path]:
    """Sets one hook to a shell script and returns the file in which the script may note what it was asked."""

    def put(name: str, text: str) -> Path:
        program, noted = tmp_path / f"hook-{name}", tmp_path / f"noted-{name}"
        noted.touch()
        program.write_text(f'#!/bin/sh\nnote() {{ echo "$*" >>{noted}; }}\n{text}\n')
        program.chmod(0o755)
        held = sim.estate.state.read("settings").get("hooks", {})
        sim.estate.setting(hooks=held | {name: [str(program)]})
        return noted

    return put


def test_the_channel(sim: Sim, hook: Callable[[str, str], Path]) -> None:
    noted = hook("remote", f'note "$1"; exec {sim.estate.shell("aix01")} -c "$2"')
    assert sim.run(f"{C_RSH} aix01 'hostname; exit 4'").out == "aix01\n"
    assert sim.run(DEFINE).status == 0
    assert noted.read_text() == "10.10.10.110\n10.10.10.110\n"


def test_a_channel_without_connection(sim: Sim, hook: Callable[[str, str], Path]) -> None:
    hook("remote", "exit 255")
    said = sim.run(f"{C_RSH} aix01 hostname")
    assert (said.status, said.err) == (6, "0042-006 c_rsh: (exec_nimsh_cmd) exec_cmd Connection timed out\n")
    assert "0042-006 m_mkbosi: (From_Master) connect Connection timed out" in sim.run(DEFINE).err


def test_the_server_hears_of_every_change(sim: Sim, hook: Callable[[str, str], Path]) -> None:
    noted = hook("exports", f'note "$1 $(cat {sim.estate.files("nim")}/etc/xtab | wc -l)"')
    sim.run("/usr/sbin/exportfs -i -o ro /home; /usr/sbin/exportfs; /usr/sbin/exportfs -u /home")
    assert sim.run(DEFINE).status == 0
    assert noted.read_text().split() == ["nim", "1", "nim", "0", "nim", "1", "nim", "0"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (hooks.ACCESS, "mount: 1831-011 access denied for nim:/export/nim/mksysb\n"),
        (hooks.TIMED_OUT, "1831-010 server nim not responding"),
        (hooks.NO_ENTRY, "A file or directory in the path name does not exist."),
        (1, "as the program says"),
    ],
)
def test_the_servers_answer_to_a_mount(sim: Sim, hook: Callable[[str, str], Path], status: int, words: str) -> None:
    hook("mount", f"echo as the program says; exit {status}")
    said = sim.run("mkdir /tmp/m; mount nim:/export/nim/mksysb /tmp/m", "aix01")
    assert (said.status, words in said.err) == (1, True)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "0512-038"),
        (hooks.ACCESS, "The file access permissions do not allow the specified action."),
        (hooks.SPACE, "There is not enough space in the file system."),
        (hooks.STALE, "Missing file or filesystem"),
    ],
)
def test_an_image_through_the_labs_client(sim: Sim, hook: Callable[[str, str], Path], status: int, words: str) -> None:
    there = sim.estate.files("nim")
    mounted = hook("mount", 'note "$@"')
    unmounted = hook("umount", 'note "$@"')
    hook("write", f"cat >{there}$2/$3; exit {status}")
    said = sim.run(DEFINE)
    assert words in said.text
    assert (said.status == 0) is (status == 0)
    assert mounted.read_text().startswith("nim /export/nim/mksysb /tmp/_nim_dir_")
    assert unmounted.read_text().endswith(" nim /export/nim/mksysb\n")
    if status == 0:
        assert sim.run("restore -Tqf /export/nim/mksysb/aix01.mksysb </dev/null | wc -l").out.strip() == "1200"


def test_the_kernels_own_addresses(sim: Sim, hook: Callable[[str, str], Path]) -> None:
    hook("addresses", "echo en0 10.10.10.9 255.255.255.0; echo en0 10.10.10.8 255.255.255.0")
    shown = sim.run("ifconfig -a | awk '$1==\"inet\"{print $2}'", "aix01").out.split()
    assert shown[:2] == ["10.10.10.9", "10.10.10.8"]
    assert "source should be 10.10.10.9" in sim.run("traceroute nim", "aix01").out
