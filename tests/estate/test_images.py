"""Images: written as time passes, through the mount, and honest about every damage."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Sim

IMAGE = "/export/nim/mksysb/aix01.mksysb"
DEFINE = (
    "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes -a mksysb_flags=ei "
    f"-a location={IMAGE} aix01_mksysb"
)


def file_of(sim: Sim) -> Path:
    return sim.estate.files("nim") / IMAGE.lstrip("/")


def size_of(sim: Sim) -> int:
    """How much of the image is written; nothing before it begins."""
    return file_of(sim).stat().st_size if file_of(sim).exists() else 0


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def writer(sim: Sim) -> int:
    """The pid of the client's mksysb, as its ps shows it."""
    until(lambda: bool(sim.run("ps -ef | grep '/usr/bin/mksysb ' | grep -v grep", "aix01").out))
    line = sim.run("ps -ef | grep '/usr/bin/mksysb ' | grep -v grep", "aix01").out
    return int(line.split()[1])


@pytest.fixture
def slow(make_sim: Callable[..., Sim]) -> Sim:
    """An image waits in its middle for the test's word."""
    sim = make_sim()
    sim.estate.hold_images()
    return sim


def test_it_grows_through_the_mount(slow: Sim) -> None:
    process = slow.start(DEFINE)
    until(lambda: size_of(slow) > 0)
    assert size_of(slow) < 262144
    assert slow.estate.mounts("aix01")[0].startswith("nim:/export/nim/mksysb /tmp/_nim_dir_")
    assert "nfs3" in slow.run("mount", "aix01").out
    assert slow.estate.objects()["aix01"]["Cstate"] != "ready for a NIM operation"
    slow.estate.release_images()
    assert process.wait(120) == 0
    assert size_of(slow) == 262144
    assert slow.estate.mounts("aix01") == []
    assert slow.run("ls /tmp", "aix01").out == ""


def test_a_killed_client_job_leaves_a_part_and_nim_fails(slow: Sim) -> None:
    process = slow.start(DEFINE)
    until(lambda: size_of(slow) > 0)
    os.kill(writer(slow), signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 175
    assert b'0042-175 c_mkbosi: An unexpected result was returned by the "/usr/bin/savevg"' in out
    assert 0 < file_of(slow).stat().st_size < 262144
    assert "aix01_mksysb" not in slow.estate.objects()
    assert slow.estate.mounts("aix01") == []


def test_a_killed_nim_leaves_everything_and_the_client_writes_on(slow: Sim) -> None:
    process = slow.start(DEFINE)
    pid = writer(slow)
    nim = int(slow.run("ps -ef | grep '/usr/sbin/nim ' | grep -v grep | grep -v 'ksh -c'").out.split()[1])
    os.kill(nim, signal.SIGKILL)
    process.wait(120)
    os.kill(pid, 0)
    assert "/export/nim/mksysb" in slow.run("/usr/sbin/exportfs").out
    assert slow.estate.objects()["aix01"]["Cstate"] != "ready for a NIM operation"
    slow.estate.release_images()
    until(lambda: not slow.estate.mounts("aix01"))
    assert file_of(slow).stat().st_size == 262144, "the client knows nothing of its master's death"
    assert "aix01_mksysb" not in slow.estate.objects()


def test_a_failover_in_the_middle_takes_the_right_to_write(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim()
    sim.estate.hold_images()
    sim.run("/usr/sbin/exportfs -i -o rw,access=10.10.10.102,root=10.10.10.102 /export/nim/mksysb; mkdir /tmp/m", "nim")
    process = sim.start("mkdir /tmp/m; mount nim:/export/nim/mksysb /tmp/m && mksysb -ei /tmp/m/x", "powerha1")
    until((sim.estate.files("nim") / "export/nim/mksysb/x").exists)
    sim.estate.fail_over("powerha2")
    sim.estate.release_images()
    out, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert b"The file access permissions do not allow the specified action." in out


@pytest.fixture
def made(sim: Sim) -> Sim:
    assert sim.back_up("aix01").status == 0
    return sim


def test_a_whole_image_reads_whole(made: Sim) -> None:
    said = made.run(f"lsmksysb -lf {IMAGE}")
    assert "UNAME INFO:             AIX aix01 2 7 00F60A6E4C00\n" in said.out
    assert made.run(f"restore -Tqf {IMAGE} </dev/null | wc -l").out.strip() == "1200"
    assert made.run(f"cd /tmp; restore -xqf {IMAGE} ./bosinst.data").out == "x ./bosinst.data\n"
    assert "control_flow" in made.run("cat /tmp/bosinst.data").out


def test_a_cut_image_still_has_its_header(made: Sim) -> None:
    with file_of(made).open("r+b") as image:
        image.truncate(200000)
    assert made.run(f"lsmksysb -lf {IMAGE}").status == 0
    said = made.run(f"restore -Tqf {IMAGE} </dev/null")
    assert said.status != 0
    assert "Mount volume 2" in said.err


@pytest.mark.parametrize("place", [20, 100, 5000, 200000, 262140])
def test_a_flipped_bit_is_found(made: Sim, place: int) -> None:
    with file_of(made).open("r+b") as image:
        image.seek(place)
        byte = image.read(1)
        image.seek(place)
        image.write(bytes([byte[0] ^ 4]))
    header = made.run(f"lsmksysb -lf {IMAGE}")
    whole = made.run(f"restore -Tqf {IMAGE} </dev/null")
    assert whole.status != 0 or place > 262130, "the last bytes are padding"
    if place < 100:
        assert header.status != 0


def test_an_empty_or_missing_file(sim: Sim) -> None:
    said = sim.run(f">{IMAGE}; lsmksysb -lf {IMAGE}")
    assert said.err == f"0512-054 lsmksysb: File {IMAGE} does not exist or is empty.\n"
    assert sim.run("listvgbackup -f /tmp/none").status == 1


def test_an_image_of_ones_own_to_a_local_file(sim: Sim) -> None:
    said = sim.run("mksysb -ei /tmp/own.mksysb && lsmksysb -lf /tmp/own.mksysb", "aix02")
    assert "0512-038 mksysb: Backup Completed Successfully." in said.out
    assert "AIX aix02" in said.out
    assert sim.run("savevg -if /tmp/app.savevg appvg && lssavevg -lf /tmp/app.savevg", "aix02").out.count("appvg") > 1


def test_the_masters_own(sim: Sim) -> None:
    own = "/export/nim/mksysb/master.mksysb"
    assert sim.run(f"mksysb -ei {own} && test -s {own}").status == 0
    database = "/export/nim/nimdb"
    assert sim.run(f"/usr/lpp/bos.sysmgt/nim/methods/m_backup_db {database} && grep -c powerha1 {database}").status == 0


def test_of_a_vios(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim(vios=True, cluster=False, clients=0)
    said = sim.run(
        "/usr/sbin/nim -o define -t ios_mksysb -a server=master -a source=vios1 -a mk_image=yes "
        "-a location=/export/nim/mksysb/vios1 vios1_m"
    )
    assert said.status == 0, said
    assert sim.estate.objects()["vios1_m"]["type"] == "ios_mksysb"
    viosbr = sim.run("/usr/ios/cli/ioscli viosbr -backup -file conf; ls /home/padmin/cfgbackups", "vios1")
    assert viosbr.out.endswith("conf.tar.gz\n")
