"""The operations of ``nim`` beside the making of images."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Sim

NIM = "/usr/sbin/nim"
DIRECTORY = "/export/nim/mksysb"


def define(**attributes: str) -> str:
    given = {"server": "master", "location": f"{DIRECTORY}/new", "source": "aix01", "mk_image": "yes"} | attributes
    name = given.pop("name", "new_m")
    return f"{NIM} -o define -t mksysb {' '.join(f'-a {key}={value}' for key, value in given.items() if value)} {name}"


@pytest.mark.parametrize(
    ("attributes", "status", "words"),
    [
        ({"source": "nobody"}, 53, '0042-053 nim: there is no NIM object named "nobody"'),
        ({"name": "aix01"}, 32, "0042-032 m_mkbosi: object name must be unique"),
        ({"server": ""}, 21, '0042-021 m_mkbosi: the "server" attribute is required for this operation'),
        ({"source": ""}, 21, '0042-021 m_mkbosi: the "source" attribute is required'),
        ({"file_creation": "x"}, 130, '0042-130 m_mkbosi: "file_creation" cannot be specified as an attribute'),
        ({"location": "/export/nim/none/x"}, 154, 'c_stat: the file or directory "/export/nim/none" does not exist'),
        ({"name": "a.b"}, 1, "cannot be the name of a NIM object"),
        ({"name": "a" * 40}, 1, "cannot be the name of a NIM object"),
        ({"source": "master"}, 1, "is not a machine that can be backed up"),
    ],
)
def test_a_define_is_refused(sim: Sim, attributes: dict[str, str], status: int, words: str) -> None:
    said = sim.run(define(**attributes))
    assert said.status == status
    assert words in " ".join(said.err.split())
    assert said.err.startswith('0042-001 nim: processing error encountered on "master":\n')
    assert max(len(line) for line in said.err.splitlines()) <= 80
    assert sim.run(f"ls {DIRECTORY}").out == ""


def test_a_preview_makes_nothing(sim: Sim) -> None:
    said = sim.run(define(size_preview="yes"))
    assert (said.status, "Required = " in said.out) == (0, True)
    assert "new_m" not in sim.estate.objects()
    assert sim.run(f"ls {DIRECTORY}").out == ""


def test_an_existing_image_is_adopted_and_removed(sim: Sim) -> None:
    assert sim.back_up("aix01").status == 0
    sim.run(f"{NIM} -o remove aix01_mksysb; mv {DIRECTORY}/aix01.mksysb {DIRECTORY}/kept")
    assert sim.run(f"{NIM} -o define -t mksysb -a server=master -a location={DIRECTORY}/kept kept").status == 0
    found = sim.estate.objects()["kept"]
    assert "source_image" not in found
    assert (found["oslevel_s"], found["location"]) == ("7200-05-04-2220", f"{DIRECTORY}/kept")
    taken = sim.run(f"{NIM} -o define -t mksysb -a server=master -a location={DIRECTORY}/kept other")
    assert (taken.status, "0042-081" in taken.err) == (81, True)
    assert sim.run(f"{NIM} -o remove -a rm_image=yes kept; ls {DIRECTORY}").out == ""
    assert sim.run("/usr/sbin/lsnim -l kept").err == '0042-053 lsnim: there is no NIM object named "kept"\n'


def test_an_allocated_image_is_exported_and_stays(sim: Sim) -> None:
    sim.back_up("aix01")
    sim.run(f"{NIM} -o allocate -a mksysb=aix01_mksysb aix02")
    assert sim.estate.objects()["aix01_mksysb"]["alloc_count"] == "1"
    assert sim.run("/usr/sbin/exportfs").out.startswith(f"{DIRECTORY}/aix01.mksysb -ro")
    assert sim.run("/usr/sbin/lsnim -c resources aix02").out.startswith("aix01_mksysb")
    assert sim.run(f"{NIM} -o remove aix01_mksysb").status != 0
    assert sim.run(f"{NIM} -o remove aix02").status == 52
    again = sim.run(define())
    assert "sub-directory" in again.err, "its file is exported, so the directory cannot be"
    sim.run(f"{NIM} -o deallocate -a mksysb=aix01_mksysb aix02")
    assert sim.run("/usr/sbin/exportfs").out == ""
    assert sim.run(define()).status == 0


def test_reset_and_change(sim: Sim) -> None:
    sim.estate.fault("client_busy", host="aix01")
    assert sim.run(f"{NIM} -o reset aix01").status != 0
    assert sim.run(f"{NIM} -Fo reset -a force=yes aix01").status == 0
    assert sim.estate.objects()["aix01"]["Cstate_result"] == "reset"
    sim.run(f"{NIM} -o change -a cpuid=00F600004C00 aix01")
    assert sim.run("/usr/sbin/lsnim -Z -a cpuid -a info -a Cstate_result aix01").out == (
        "#name:cpuid:info:Cstate_result:\naix01:00F600004C00:reset:\n"
    )


def test_what_a_restore_needs(sim: Sim) -> None:
    sim.back_up("aix01")
    sim.run("echo 'control_flow:' >/export/nim/bosinst")
    script = (
        f"{NIM} -o define -t spot -a server=master -a location=/export/nim/spot -a source=aix01_mksysb spot1 && "
        f"{NIM} -o define -t bosinst_data -a server=master -a location=/export/nim/bosinst bid && "
        f"{NIM} -o bos_inst -a source=mksysb -a mksysb=aix01_mksysb -a spot=spot1 -a bosinst_data=bid "
        "-a accept_licenses=yes -a boot_client=no aix01"
    )
    said = sim.run(script)
    assert said.status == 0, said
    client = sim.estate.objects()["aix01"]
    assert (client["mksysb"], client["spot"], client["Cstate"]) == (
        "aix01_mksysb",
        "spot1",
        "BOS installation has been enabled",
    )


@pytest.mark.parametrize(
    ("attributes", "status", "said"),
    [
        ("-a source=mksysb -a mksysb=aix01_mksysb -a spot=aix01_mksysb", 1, "is no resource of type spot"),
        ("-a source=mksysb -a mksysb=aix01_mksysb", 21, 'the "spot" attribute is required'),
        ("-a source=mksysb -a spot=none", 21, 'the "mksysb" attribute is required'),
        ("-a source=mksysb -a mksysb=aix01_mksysb -a spot=none -a boot=no", 130, '"boot" cannot be specified'),
        ("-a source=mksysb -a mksysb=aix01_mksysb -a spot=none", 53, 'no NIM object named "none"'),
    ],
)
def test_an_installation_is_refused_with_what_it_does_not_know(
    sim: Sim, attributes: str, status: int, said: str
) -> None:
    sim.back_up("aix01")
    refused = sim.run(f"{NIM} -o bos_inst {attributes} aix01")
    assert (refused.status, said in " ".join(refused.err.split())) == (status, True), refused.err
    assert "spot" not in sim.estate.objects()["aix01"]


def test_a_savevg(sim: Sim) -> None:
    said = sim.run(
        f"{NIM} -o define -t savevg -a server=master -a source=aix01 -a mk_image=yes -a volume_group=datavg "
        f"-a savevg_flags=i -a location={DIRECTORY}/aix01_datavg aix01_datavg"
    )
    assert said.status == 0, said
    assert sim.run(f"lssavevg -lf {DIRECTORY}/aix01_datavg").out.startswith("VOLUME GROUP:           datavg\n")


def test_two_masters_know_one_name_and_only_one_owns_it(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim(second_master=True, cluster=False)
    assert {"aix01", "lpar01"} <= set(sim.estate.objects("nim2"))
    assert "lpar01" not in sim.estate.objects("nim")
    assert "wrong_master" in sim.run("/usr/sbin/nim -o lslpp aix01", "nim2").err
    assert sim.run(define(source="lpar01"), "nim2").status == 0


def test_many_clients(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim(clients=200)
    assert len(sim.run("/usr/sbin/lsnim -t standalone").out.splitlines()) == 202
    assert sim.run("/usr/lpp/bos.sysmgt/nim/methods/c_rsh aix200 'traceroute nim'").out.splitlines()[1] == (
        "source should be 10.10.20.70"
    )


def test_what_an_estate_may_be_made_of(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim(clients=1, extra=("web-1",), persistent=True, directories=("/mksysb",), holder="powerha2")
    assert sim.back_up("web-1", directory="/mksysb").status == 0
    assert sim.run("df -Pk /mksysb | tail -1 | awk '{print $6}'; ls /mksysb").out == "/mksysb\nweb-1.mksysb\n"
    inet = "ifconfig en0 | awk '$1==\"inet\"{print $2}'"
    assert sim.run(inet, "powerha1").out.split() == ["10.10.10.101", "10.10.10.241"]
    assert sim.run(inet, "powerha2").out.split() == ["10.10.10.102", "10.10.10.103", "10.10.10.243"]
    listed = sim.run("/usr/es/sbin/cluster/utilities/cllsif -c", "powerha1").out
    assert "powerha1-per:persistent:net_ether_01:ether:public:powerha1:10.10.10.241" in listed
