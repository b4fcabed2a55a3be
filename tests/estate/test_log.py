"""The command log, the handle from another process, and what proves that nothing changed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.estate import Estate, build

from .conftest import C_RSH, Sim


def test_every_command_is_logged_with_its_host_and_kind(sim: Sim) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    sim.run(f"/usr/sbin/lsnim -l aix01; /usr/sbin/exportfs; {C_RSH} aix01 'ifconfig -a'; mkdir -p /export/nim/new")
    log = sim.estate.log()
    assert [(one.host, one.argv[0], one.changes) for one in log] == [
        ("nim", "lsnim", False),
        ("nim", "exportfs", False),
        ("nim", "c_rsh", False),
        ("aix01", "ifconfig", False),
        ("nim", "mkdir", True),
    ]
    assert log[0].argv == ("lsnim", "-l", "aix01")
    assert before < log[0].at < datetime.now(UTC) + timedelta(seconds=2)
    assert [one.argv[0] for one in sim.estate.changes()] == ["mkdir"]
    sim.estate.clear_log()
    assert sim.estate.log() == []


CHANGING = {
    "/usr/sbin/nim -o define -t mksysb -a size_preview=yes -a server=master -a location=/export/nim/mksysb/x "
    "-a source=aix01 x": "nim",
    "/usr/sbin/nim -o reset aix01": "nim",
    "/usr/sbin/exportfs -i -o ro /home": "exportfs",
    "/usr/sbin/exportfs -u /home": "exportfs",
    "mount nim:/home /mnt": "mount",
    "umount /mnt": "umount",
    "mksysb /tmp/x": "mksysb",
    "rm -f /etc/none": "rm",
}
READING = [
    "/usr/sbin/lsnim",
    "/usr/sbin/exportfs",
    "mount",
    "df -Pk",
    "/usr/sbin/nim -o check aix01",
    "cat /etc/exports",
    "lsmksysb -lf /x",
    "restore -Tqf /x </dev/null",
    "host nim",
    "showmount -e nim",
    "/usr/sbin/nim -o lslpp aix01",
]


@pytest.mark.parametrize("script", CHANGING)
def test_what_changes_is_called_so(sim: Sim, script: str) -> None:
    sim.run(script)
    assert CHANGING[script] in [one.argv[0] for one in sim.estate.changes()]


def test_what_only_reads_changes_nothing(sim: Sim) -> None:
    before = sim.estate.snapshot()
    for script in READING:
        sim.run(script)
    assert sim.estate.changes() == []
    assert sim.estate.snapshot() == before


def test_file_tools_in_the_spool_do_not_count_unless_asked(sim: Sim) -> None:
    sim.run("mkdir -p /var/adm/nimwrap/ask.1; rm -rf /var/adm/nimwrap/ask.1; touch /tmp/x")
    assert sim.estate.changes() == []
    assert len(sim.estate.changes(ignoring=("/tmp/",))) == 2


def test_a_snapshot_sees_one_byte(sim: Sim) -> None:
    before = sim.estate.snapshot("aix01")
    sim.run("echo x >>/etc/hosts", "aix01")
    after = sim.estate.snapshot("aix01")
    assert [path for path in after if after[path] != before.get(path)] == ["aix01/etc/hosts"]


def test_another_process_loads_it_and_sets_its_switches(sim: Sim) -> None:
    code = (
        "import sys; from pathlib import Path; from nimwrap.estate import Estate\n"
        "estate = Estate.load(Path(sys.argv[1])); estate.first_alias(False); estate.fault('no_perl', host='aix01')"
    )
    subprocess.run([sys.executable, "-c", code, sim.estate.root], check=True)
    assert sim.back_up("powerha1").status == 0
    assert sim.run("command -v perl", "aix01").status != 0


def test_what_is_no_estate_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no estate"):
        Estate.load(tmp_path)


def test_a_root_that_needs_quoting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs quoting"):
        build(tmp_path / "two words")


def test_the_configuration_is_toml(sim: Sim) -> None:
    text = sim.estate.config(
        master={"max_parallel": 2},
        backup={"keep": 2, "remedies": ["pre-export"]},
        clients={"powerha1": {"keep": 5}},
        groups={"all": ["aix*"]},
        schedules="s",
    )
    content = tomllib.loads(text)
    assert content["masters"]["nim"]["shell"] == sim.estate.shell("nim")
    assert (content["masters"]["nim"]["max_parallel"], content["schedules"]) == (2, "s")
    assert content["clients"]["powerha1"]["keep"] == 5
    assert content["backup"]["remedies"] == ["pre-export"]


def test_a_remote_configuration_has_no_shell(sim: Sim) -> None:
    master = tomllib.loads(sim.estate.config("ssh", master={"host": "127.0.0.1", "port": 2222}))["masters"]["nim"]
    assert master == {"transport": "ssh", "host": "127.0.0.1", "port": 2222}
