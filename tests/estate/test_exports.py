"""exportfs, the server's answers, and NIM's three ways with an export that exists already."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nimwrap.estate import nfs
from nimwrap.estate.nfs import ExportedDirectory

from .conftest import Sim

DIRECTORY = "/export/nim/mksysb"
OPENED = "rw,access=powerha1:10.10.10.102,root=powerha1:10.10.10.102"


def listing(sim: Sim) -> str:
    return sim.run("/usr/sbin/exportfs").out


def test_options_are_listed_back_as_they_were_given(sim: Sim) -> None:
    sim.run(f"/usr/sbin/exportfs -i -o sec=sys:none,rw,access=aix01:aix02,root=aix01 {DIRECTORY}")
    assert listing(sim) == f"{DIRECTORY} -sec=sys:none,rw,access=aix01:aix02,root=aix01\n"
    assert sim.run("cat /etc/exports").out == ""
    assert sim.run("showmount -e nim").out == f"export list for nim:\n{DIRECTORY} aix01,aix02\n"
    assert sim.run(f"/usr/sbin/exportfs -u {DIRECTORY}; /usr/sbin/exportfs").out == ""


def test_all_of_the_file(sim: Sim) -> None:
    sim.estate.write("nim", "/etc/exports", "# by hand\n/export/nim/spot -ro\n/home -rw,root=aix01\n")
    assert "Exported /home" in sim.run("/usr/sbin/exportfs -a -v").out
    assert sim.run("/usr/sbin/exportfs -av").out.splitlines()[0] == "exportfs: 1831-187 re-exported /export/nim/spot"
    assert sim.run("cat /etc/exports").out.startswith("# by hand\n")


@pytest.mark.parametrize(
    ("standing", "wanted", "words"),
    [
        ("/export/nim", DIRECTORY, "parent-directory (/export/nim) already exported"),
        (f"{DIRECTORY}/aix01", DIRECTORY, f"sub-directory ({DIRECTORY}/aix01) already exported"),
    ],
)
def test_neither_above_nor_below_an_export(sim: Sim, standing: str, wanted: str, words: str) -> None:
    sim.run(f"mkdir -p {standing}")
    sim.estate.add_export(f"{standing} -ro")
    said = sim.run(f"/usr/sbin/exportfs -i -o rw {wanted}")
    assert (said.status, words in said.err) == (1, True)
    assert listing(sim) == f"{standing} -ro\n"
    assert sim.run("/usr/sbin/exportfs -i -o rw /home").status == 0, "another file system is free"


def test_an_unknown_host_or_directory_is_refused(sim: Sim) -> None:
    assert sim.run("/usr/sbin/exportfs -i -o access=nobody /home").err == "exportfs: nobody: unknown host\n"
    assert sim.run("/usr/sbin/exportfs -i -o rw /nowhere").status == 1
    assert listing(sim) == ""


@pytest.mark.parametrize(
    ("options", "source", "mount", "root"),
    [
        ("", "10.10.10.110", True, False),
        ("rw,access=aix01", "10.10.10.110", True, False),
        ("rw,access=aix01,root=aix01", "10.10.10.110", True, True),
        ("rw,root=aix01:,access=aix01:", "10.10.10.110", True, True),
        ("rw,root=aix01,access=aix02", "10.10.10.110", False, False),
        ("rw,access=powerha1,root=powerha1", "10.10.10.102", False, False),
        ("rw,access=10.10.10.102,root=10.10.10.102", "10.10.10.102", True, True),
        ("rw,access=@10.10.10/24,root=@10.10.10.0/24", "10.10.10.102", True, True),
        ("ro=aix02", "10.10.10.110", False, False),
    ],
)
def test_whom_an_export_lets_in(sim: Sim, options: str, source: str, mount: bool, root: bool) -> None:
    server = sim.estate.machine("nim")
    nfs.put(server, ExportedDirectory(DIRECTORY, options))
    right = nfs.right(server, DIRECTORY, source)
    assert (right.mount, right.root) == (mount, root)


def test_an_export_that_nobody_made_before_is_gone_afterwards(sim: Sim) -> None:
    sim.estate.hold_images()
    process = sim.start(
        "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes "
        f"-a location={DIRECTORY}/aix01.mksysb aix01_mksysb"
    )
    own = f"{DIRECTORY} -rw,root=aix01:,access=aix01:\n"
    while listing(sim) != own:
        assert process.poll() is None
    assert sim.run("cat /etc/exports").out == own
    sim.estate.release_images()
    assert process.wait(120) == 0
    assert sim.estate.exports_text() == b"--- xtab ---\n"


@pytest.mark.parametrize("permanent", [False, True])
def test_merge_keeps_what_was_there(sim: Sim, permanent: bool) -> None:
    sim.estate.add_export(f"{DIRECTORY} -{OPENED.replace('powerha1', 'powerha2')}", permanent=permanent)
    sim.estate.first_alias(False)
    before = sim.estate.exports_text()
    assert sim.back_up("powerha1").status == 0
    assert sim.estate.exports_text() == before


def test_merge_lets_a_prepared_export_work(sim: Sim) -> None:
    sim.run(f"/usr/sbin/exportfs -i -o {OPENED} {DIRECTORY}")
    before = sim.estate.exports_text()
    assert sim.back_up("powerha1").status == 0
    assert sim.estate.exports_text() == before


@pytest.mark.parametrize("end", ["unexport", "restore"])
def test_replace_takes_the_prepared_export_away(sim: Sim, end: str) -> None:
    sim.estate.behaviour("replace", end=end)
    sim.run(f"/usr/sbin/exportfs -i -o {OPENED} {DIRECTORY}")
    assert sim.back_up("powerha1").status == 175
    assert listing(sim) == ("" if end == "unexport" else f"{DIRECTORY} -{OPENED}\n")


@pytest.mark.parametrize(("text", "code"), [("exportfs", "0042-175"), ("0042-081", "0042-081")])
def test_refuse(sim: Sim, text: str, code: str) -> None:
    sim.estate.behaviour("refuse", text=text)
    sim.run(f"/usr/sbin/exportfs -i -o {OPENED} {DIRECTORY}")
    before = sim.estate.exports_text()
    said = sim.back_up("aix01")
    assert said.status == int(code[-3:])
    assert code in said.err
    assert sim.estate.exports_text() == before
    assert not (sim.estate.files("nim") / "export/nim/mksysb/aix01.mksysb").exists()


@pytest.mark.parametrize("behaviour", ["merge", "replace", "refuse"])
def test_an_exported_parent_is_in_the_way_of_all(sim: Sim, behaviour: str) -> None:
    sim.estate.behaviour(behaviour)
    sim.estate.fault("standing_export")
    said = sim.back_up("aix01")
    assert said.status == 175
    assert '"/usr/sbin/exportfs" command:' in said.err
    sim.estate.fault("standing_export", None)
    assert sim.back_up("aix01").status == 0


def test_subdirectories_by_nims_own_switch(sim: Sim) -> None:
    assert sim.back_up("aix01", env="NIM_MKSYSB_SUBDIRS=yes").status == 0
    assert sim.estate.objects()["aix01_mksysb"]["location"] == f"{DIRECTORY}/aix01_mksysb/aix01.mksysb"


def test_two_at_once_in_one_directory_merge(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim()
    sim.estate.hold_images()
    both = [
        sim.start(
            f"/usr/sbin/nim -Fo define -t mksysb -a server=master -a source={client} -a mk_image=yes "
            f"-a location={DIRECTORY}/{client} {client}_m"
        )
        for client in ("aix01", "aix02")
    ]
    while len(list((sim.estate.files("nim") / DIRECTORY.lstrip("/")).iterdir())) < 2:
        assert [one.poll() for one in both] == [None, None]
    sim.estate.release_images()
    assert [one.wait(120) for one in both] == [0, 0]
    assert sim.estate.exports_text() == b"--- xtab ---\n"


def test_taking_the_export_away_breaks_the_image(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim()
    sim.estate.hold_images()
    process = sim.start(
        "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes "
        f"-a location={DIRECTORY}/aix01 aix01_m"
    )
    while not (sim.estate.files("nim") / DIRECTORY.lstrip("/") / "aix01").exists():
        assert process.poll() is None
    sim.run(f"/usr/sbin/exportfs -u {DIRECTORY}")
    sim.estate.release_images()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 175
    assert b"Missing file or filesystem" in out
