"""Every fault switch, seen from outside; and off again it is gone."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from nimwrap.estate import machine
from nimwrap.estate.switches import FAULTS

from .conftest import C_RSH, Sim

LOCATION = "/export/nim/mksysb/aix01.mksysb"


@dataclass(frozen=True)
class Case:
    """With the switch on ``host``, ``script`` on ``at`` shows ``words`` (or a status, or the absence of words)."""

    fault: str
    script: str
    words: str
    value: Any = True
    host: str | None = "aix01"
    at: str = "nim"
    absent: bool = False


BACK_UP = (
    "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes "
    f"-a location={LOCATION} aix01_m 2>&1; echo rc=$?"
)
UTILITIES = "/usr/es/sbin/cluster/utilities"
CASES = [
    Case("nimsh_down", f"{C_RSH} aix01 hostname 2>&1", "0042-006 c_rsh: (exec_nimsh_cmd) exec_cmd Connection refused"),
    Case("nimsh_down", BACK_UP, "0042-006 m_mkbosi: (From_Master) connect Connection refused\nrc=6"),
    Case("nimsh_down", "lssrc -s nimsh", "inoperative", at="aix01"),
    Case("host_down", f"{C_RSH} aix01 hostname 2>&1", "Connection timed out"),
    Case("nfs_down", BACK_UP, "1831-010 server nim not responding", host="nim"),
    Case("lost_rc", f"{C_RSH} aix01 'echo body; echo nw_rc=0'", "nw_rc", absent=True),
    Case("garbled_output", f"{C_RSH} aix01 hostname", "\ufffd"),
    Case("garbled_output", BACK_UP, "\ufffd"),
    Case("truncated_image_rc0", f"{BACK_UP}; restore -Tqf {LOCATION} </dev/null 2>&1", "Mount volume 2"),
    Case("truncated_image_rc0", BACK_UP, "0512-038 savevg: Backup Completed Successfully.\nrc=0", value=0.3),
    Case("no_image_rc0", f"{BACK_UP}; ls {LOCATION} 2>&1", "No such file"),
    Case("wrong_host_image_rc0", f"{BACK_UP}; lsmksysb -lf {LOCATION}", "AIX aix02 ", value="aix02"),
    Case("archive_warning", BACK_UP, "0512-003 savevg may not have been able"),
    Case("archive_warning", BACK_UP, "0512-038", value="failed", absent=True),
    Case("disk_full", BACK_UP, "There is not enough space in the file system.", host="nim"),
    Case("fsize_limited", BACK_UP, "A file cannot be larger than the value set by ulimit.", value=65536),
    Case("fsize_limited", "grep fsize /etc/security/limits", "fsize = 2097151", at="aix01"),
    Case("small_file_fs", BACK_UP, "A file cannot be larger than the value set by ulimit.", host="nim"),
    Case("small_file_fs", "lsfs -q /export/nim; getconf FILESIZEBITS /export/nim", "bf: false", host="nim"),
    Case("write_denied", BACK_UP, "The file access permissions do not allow the specified action."),
    Case("client_busy", BACK_UP, "does not permit this operation"),
    Case("client_busy", "/usr/sbin/lsnim -l aix01", "alt_disk_install operation is being performed"),
    Case("cstate_stuck", f"{BACK_UP}; /usr/sbin/lsnim -a Cstate aix01", "Cstate = mksysb operation is being performed"),
    Case("locked_object", BACK_UP, "is locked by process"),
    Case("push_off", BACK_UP, "permission for push operations"),
    Case("push_off", "/usr/sbin/lsnim -a control aix01", "control = aix01 push_off"),
    Case("cpuid_mismatch", f"{C_RSH} aix01 hostname 2>&1", "0042-008 c_rsh: nimsh: Request denied"),
    Case("niminfo_wrong_master", BACK_UP, "0042-008 m_mkbosi: nimsh: Request denied"),
    Case("niminfo_wrong_master", "cat /etc/niminfo", "NIM_MASTER_HOSTNAME=nim9", value="nim9", at="aix01"),
    Case("no_perl", f"{C_RSH} aix01 'perl -e 1' 2>&1", "not found"),
    Case("no_traceroute", f"{C_RSH} aix01 'traceroute nim' 2>&1", "not found"),
    Case("traceroute_stderr", "traceroute nim 2>/dev/null", "source should be", at="aix01", absent=True),
    Case("no_ptr", "host 10.10.10.110 2>&1", "Cannot find address", value=["10.10.10.110"], host=None),
    Case("powerha_tools_missing", f"{UTILITIES}/clRGinfo -s 2>&1", "not found", host="powerha1", at="powerha1"),
    Case("cluster_unstable", "lssrc -ls clstrmgrES", "Current state: ST_UNSTABLE", host="powerha1", at="powerha1"),
    Case("cluster_unstable", f"{UTILITIES}/clmgr query cluster", 'STATE="BARRIER"', "ST_BARRIER", None, "powerha1"),
    Case("standing_export", "/usr/sbin/exportfs; cat /etc/exports", "/export/nim -sec=sys,rw", host=None),
    Case("french_locale", "df -k /", "Monté sur", host=None),
    Case("french_locale", "LC_ALL=C df -k /", "Mounted on", host=None),
    Case("df_layout", "df -Pk /export/nim", "-         -", value="dash", host="nim"),
    Case("df_layout", "df -Pk /export/nim", "100%", value="full", host="nim"),
    Case("df_layout", "df -Pk /export/nim", "verylonglogicalvolume", "wide", "nim"),
    Case("channel_cut", f"{C_RSH} aix01 'echo one; echo two'", "two", value=8, absent=True),
    Case("channel_refuse", f"{C_RSH} aix01 'echo one; echo two' 2>&1", "too long", value=8),
    Case("channel_without", f"""{C_RSH} aix01 'echo "a  b"'""", "a b\n", value='"'),
    Case("channel_wrapped", f"""{C_RSH} aix01 'echo "a  b"'""", "a\n"),
    Case("channel_one_line", f"{C_RSH} aix01 'echo one\necho two'", "one echo two"),
    Case("channel_merged", f"{C_RSH} aix01 hostname 2>/dev/null; :", "aix01"),
    Case("channel_status_hidden", f"{C_RSH} aix01 hostname; echo rc=$?", "rc=0"),
    Case("channel_methods_only", f"{C_RSH} aix01 hostname 2>&1; echo rc=$?", "not a method\nrc=1"),
    Case("ssh_to_clients", "ssh -n -o BatchMode=yes aix01 'hostname; exit 3'; echo rc=$?", "aix01\nrc=3"),
    Case("root_shell", f"{C_RSH} aix01 'print -r x' 2>&1", "not found", value="/bin/dash"),
    Case("root_umask", f"{C_RSH} aix01 umask", "027", value="027"),
    Case("no_at", "echo true | at now 2>&1", "not authorized", at="aix01"),
    Case("sudo_refused", "sudo -n id 2>&1", "a password is required", host="nim"),
]
HANGS = {
    "c_rsh_hang": f"{C_RSH} aix01 hostname",
    "nim_hang_midway": BACK_UP,
    "nim_hang_after_image": BACK_UP,
    "nfs_stall": BACK_UP,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.at}")
def test_a_switch_shows(sim: Sim, case: Case) -> None:
    sim.estate.fault(case.fault, case.value, case.host)
    seen = sim.run(case.script, case.at).text
    assert (case.words in seen) is not case.absent, seen
    sim.estate.fault(case.fault, None, case.host)
    if case.script is not BACK_UP:
        return
    said = sim.run("/usr/sbin/nim -F -o reset aix01; /usr/sbin/nim -o remove aix01_m 2>/dev/null")
    assert "rc=0\n" in (again := sim.run(BACK_UP).text), (said, again)


def test_every_switch_has_its_test() -> None:
    channel = {"channel_group_ended", "channel_no_background"}
    proofs = {"no_ksh93", "no_netstat", "no_route", "no_telnet", "tcp_source"}  # of the source address: tests/preflight
    elsewhere = {"partial_object", "rootvg_locked", "ssh_to_masters_refused", *channel, *proofs}
    assert {case.fault for case in CASES} | set(HANGS) | elsewhere == set(FAULTS)


def test_an_unknown_switch_is_an_error(sim: Sim) -> None:
    with pytest.raises(KeyError):
        sim.estate.fault("no_such_switch")


@pytest.mark.parametrize("fault", HANGS)
def test_a_hang_lasts_until_the_switch_is_off(sim: Sim, fault: str) -> None:
    sim.estate.fault(fault, host="aix01")
    process = sim.start(HANGS[fault])
    file = sim.estate.files("nim") / LOCATION.lstrip("/")
    whole = fault == "nim_hang_after_image"
    deadline = time.monotonic() + 120
    while fault != "c_rsh_hang" and not (file.exists() and file.stat().st_size >= (262144 if whole else 1)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    assert process.poll() is None
    assert "aix01_m" not in sim.estate.objects()
    if not whole and file.exists():
        assert 0 < file.stat().st_size < 262144
    sim.estate.fault(fault, None)
    process.communicate(timeout=120)


IN_A_SESSION = (
    "perl -MPOSIX -e 'fork and do {sleep 1; exit}; POSIX::setsid(); exec qw(sleep N)' </dev/null >/dev/null 2>&1"
)
IN_THE_GROUP = "sleep N </dev/null >/dev/null 2>&1 &"
BY_CRON = "echo 'env sleep N' | at now 2>/dev/null"  # ksh93 has a sleep of its own


@pytest.mark.parametrize(
    ("fault", "job", "lives"),
    [
        ("channel_group_ended", IN_THE_GROUP, False),
        ("channel_group_ended", IN_A_SESSION, True),
        ("channel_no_background", IN_A_SESSION, False),
        ("channel_no_background", BY_CRON, True),
    ],
)
def test_what_a_request_leaves_running(sim: Sim, fault: str, job: str, *, lives: bool) -> None:
    seconds = f"33.{os.getpid()}"
    sim.estate.fault(fault, value=True, host="aix01")
    sim.run(f"{C_RSH} aix01 {shlex.quote(job.replace('N', seconds))}; sleep 1")
    found = sim.run("ps -e -o pid= -o args=").out
    pids = [int(line.split()[0]) for line in found.splitlines() if line.split()[1:] == ["sleep", seconds]]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert bool(pids) is lives


def test_a_locked_rootvg_warns_and_waits(sim: Sim) -> None:
    sim.estate.fault("rootvg_locked", host="aix01")
    process = sim.start("lsvg rootvg", "aix01")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"0516-1201 lsvg: Warning: Volume group rootvg is locked.")
    assert process.poll() is None
    sim.estate.fault("rootvg_locked", None)
    process.communicate(timeout=120)


def test_a_failed_define_may_leave_its_object(sim: Sim) -> None:
    sim.estate.fault("partial_object")
    assert sim.back_up("powerha1").status == 175
    assert "powerha1_mksysb" in sim.estate.objects()


def test_a_switch_for_one_host_leaves_the_others_alone(sim: Sim) -> None:
    sim.estate.fault("nimsh_down", host="aix01")
    assert sim.run(f"{C_RSH} aix02 hostname").out == "aix02\n"


@pytest.mark.parametrize("user", ["touch /tmp/m/x", "echo y >/tmp/m/x", "mksysb -ei /tmp/m/x"])
def test_nobody_writes_where_root_is_not_let_in(sim: Sim, user: str) -> None:
    sim.run("/usr/sbin/exportfs -i -o rw,access=aix01 /export/nim/mksysb")
    assert sim.run(f"mkdir /tmp/m; mount nim:/export/nim/mksysb /tmp/m && {user}", "aix01").status != 0
    assert sim.run("ls /export/nim/mksysb").out == ""
    assert sim.run("umount /tmp/m && rmdir /tmp/m", "aix01").status == 0


def test_space_is_what_the_file_system_has(make_sim: Callable[..., Sim]) -> None:
    sim = make_sim()
    sim.estate.file_system("/export/nim", size_kb=524288 + 100)
    said = sim.run(BACK_UP)
    assert "There is not enough space" in said.text
    assert "Backing up" not in said.text, "refused before it began"
    forced = sim.run(BACK_UP.replace("nim -o", "nim -F -o"))
    assert "Backing up" in forced.text
    assert "There is not enough space in the file system." in forced.text


def test_a_hang_that_everybody_forgot_ends_the_command(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was about to do next, such as the following portion of an image."""
    monkeypatch.setattr(machine, "HANG_LIMIT_S", 0.0)
    with pytest.raises(SystemExit):
        sim.estate.machine("nim").hang(lambda: True)
    sim.estate.stop()
    sim.estate.machine("nim").hang(lambda: True)  # nothing waits any more
