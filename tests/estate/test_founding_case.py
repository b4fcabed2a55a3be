"""The founding case without nimwrap: the service address comes first, so NIM's own mount is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import C_RSH, Sim

REFUSED = """\
0042-001 nim: processing error encountered on "master":
   0042-001 m_mkbosi: processing error encountered on "powerha1":
   warning: 0042-175 c_mkbosi: An unexpected result was returned by the
        "/usr/sbin/mount" command:
 
mount: 1831-011 access denied for nim:/export/nim/mksysb
mount: 1831-008 giving up on:
nim:/export/nim/mksysb
The file access permissions do not allow the specified action.
rc=175
0042-175 c_mkbosi: An unexpected result was returned by the "/usr/sbin/mount" command:
mount: 1831-011 access denied for nim:/export/nim/mksysb
mount: 1831-008 giving up on:
nim:/export/nim/mksysb
The file access permissions do not allow the specified action.
"""  # noqa: W293  the line with one blank is the seed's


def test_the_node_with_the_group_is_refused_in_the_seeds_words(sim: Sim) -> None:
    before = sim.estate.exports_text()
    said = sim.back_up("powerha1")
    assert said.status == 175
    assert said.err == REFUSED
    assert "Required = " in said.out
    client = sim.estate.objects()["powerha1"]
    assert (client["Cstate"], client["Cstate_result"]) == ("ready for a NIM operation", "failure")
    assert client["err_info"].startswith("0042-175 c_mkbosi:")
    assert "powerha1_mksysb" not in sim.estate.objects()
    assert sim.estate.exports_text() == before
    assert sim.estate.mounts("powerha1") == []


def test_the_other_node_succeeds(sim: Sim) -> None:
    said = sim.back_up("powerha2")
    assert (said.status, said.err) == (0, "")
    assert "0512-038 savevg: Backup Completed Successfully." in said.out
    assert "1200 of 1200 files (100%)" in said.out


def _disable_firstalias(sim: Sim) -> None:
    sim.estate.first_alias(False)


def _move_the_group(sim: Sim) -> None:
    sim.estate.fail_over("powerha2")


def _stop_the_group(sim: Sim) -> None:
    sim.estate.group_state("OFFLINE")


@pytest.mark.parametrize("cure", [_disable_firstalias, _move_the_group, _stop_the_group])
def test_it_succeeds_when_the_boot_address_comes_first(sim: Sim, cure: Callable[[Sim], None]) -> None:
    cure(sim)
    assert sim.back_up("powerha1").status == 0
    made = sim.estate.objects()["powerha1_mksysb"]
    assert (made["source_image"], made["location"]) == ("powerha1", "/export/nim/mksysb/powerha1.mksysb")
    assert (sim.estate.files("nim") / "export/nim/mksysb/powerha1.mksysb").stat().st_size == 262144


def test_the_fault_moves_with_the_group(sim: Sim) -> None:
    sim.estate.fail_over("powerha2")
    assert sim.back_up("powerha2").status == 175


ASKING = {
    "perl": "perl -MSocket -e '...getsockname...' nim",
    "traceroute": "traceroute -m 1 -q 1 -w 1 -n nim 2>&1 | sed -n 's/source should be //p'",
    "ifconfig": "ifconfig -a | awk '$1==\"inet\"{print $2; exit}'",
    "netstat": "netstat -in | awk '$1==\"en0\" && $3!~/link/{print $4; exit}'",
}


@pytest.mark.parametrize("way", ASKING)
def test_each_way_to_ask_tells_the_same_source_address(sim: Sim, way: str) -> None:
    assert sim.run(f"{C_RSH} powerha1 {_quoted(ASKING[way])}").out.strip() == "10.10.10.102"
    sim.estate.first_alias(False)
    assert sim.run(f"{C_RSH} powerha1 {_quoted(ASKING[way])}").out.strip() == "10.10.10.101"


def _quoted(script: str) -> str:
    return "'" + script.replace("'", "'\\''") + "'"


def test_a_source_without_a_name_gets_another_message(sim: Sim) -> None:
    sim.estate.fault("no_ptr")
    said = sim.back_up("powerha1")
    assert said.status == 175
    assert "nfsmnthelp: 1831-019 nim: System call error number -1." in said.err
    assert "1831-011" not in said.err
    assert sim.run("host 10.10.10.102").status != 0
    assert sim.run("host powerha1-vip").out == "powerha1-vip is 10.10.10.102\n"


def test_naming_the_service_address_in_the_export_lets_it_in(sim: Sim) -> None:
    """What the remedies rest on, by address even without a name, and only with root too."""
    sim.estate.fault("no_ptr")
    sim.run("/usr/sbin/exportfs -i -o rw,access=powerha1:10.10.10.102,root=powerha1:10.10.10.102 /export/nim/mksysb")
    mounted = sim.run(
        "mkdir /tmp/m; mount nim:/export/nim/mksysb /tmp/m && mksysb -ei /tmp/m/x; umount /tmp/m", "powerha1"
    )
    assert mounted.status == 0, mounted
    assert "0512-038 mksysb: Backup Completed Successfully." in mounted.out
    assert "1200 of 1200 files backed up (100%)" in mounted.out
    assert (sim.estate.files("nim") / "export/nim/mksysb/x").exists()
