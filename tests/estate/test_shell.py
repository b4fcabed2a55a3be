"""The shell of a host: paths in and out, status, input, and processes that stay."""

from __future__ import annotations

import os
import shlex
import subprocess
import time

import pytest

from nimwrap.estate.commands.sim_ps import _elsewhere
from nimwrap.estate.paths import Paths

from .conftest import C_RSH, Sim

PATHS = Paths("/tmp/e/hosts/nim", "/tmp/e")


@pytest.mark.parametrize(
    "script",
    [
        "ls /usr/sbin/nim",
        "PATH=/usr/bin:/usr/sbin:/etc; export PATH",
        "cat </etc/exports >/tmp/x 2>>/var/adm/y",
        "nim -a location=/export/nim/mksysb/a.mksysb a",
        "mount nim:/export/nim/mksysb /mnt/x",
        "d='/export/nim'; e=\"/tmp/z\"; grep '^/export' /etc/xtab",
        "echo ${SPOOL:-/var/adm/nimwrap}",
        f"sh -c {shlex.quote('ls /usr; sh -c ' + shlex.quote('cat /etc/hosts'))}",
        "eval \"$(echo '/usr/bin/id~cat /etc/hosts' | tr '~' '\\012')\"",
    ],
)
def test_a_script_goes_in_and_comes_out_again(script: str) -> None:
    inside = PATHS.inward(script)
    assert "/tmp/e/hosts/nim/" in inside
    assert PATHS.outward(inside) == script
    assert PATHS.inward(inside) == inside, "what is in the tree already stays"


@pytest.mark.parametrize(
    "text",
    ["/dev/null", "$d/usr", "${d}/tmp", '"$d"/tmp', "./etc", "../usr", "a/etc", "/users", "/etcetera", "/tmp.old"],
)
def test_what_is_no_path_of_the_host_stays(text: str) -> None:
    assert PATHS.inward(text) == text


def test_the_stream_is_stripped_wherever_it_is_cut() -> None:
    whole = b"a /tmp/e/hosts/nim/usr/x b /tmp/e/hosts/nim\n/tmp/e/host /tmp/e/hosts/aix01/etc/y /tm"
    for cut in range(len(whole)):
        stripper = PATHS.stripper()
        out = stripper.feed(whole[:cut]) + stripper.feed(whole[cut:]) + stripper.flush()
        assert out == b"a /usr/x b /\n/tmp/e/host /etc/y /tm"


def test_dots_of_progress_are_not_held_back() -> None:
    assert PATHS.stripper().feed(b"Backing up 12 files......") == b"Backing up 12 files......"


def test_status_output_and_directory(sim: Sim) -> None:
    said = sim.run("pwd; cd /export/nim; pwd; echo no >&2; exit 7")
    assert (said.status, said.out, said.err) == (7, "/\n/export/nim\n", "no\n")


def test_files_written_inside_read_the_same_outside_and_inside(sim: Sim) -> None:
    sim.run("mkdir -p /var/adm/nimwrap/r; echo 'exec /usr/sbin/exportfs -u /export/nim' >/var/adm/nimwrap/r/undo")
    assert sim.run("cat /var/adm/nimwrap/r/undo").out == "exec /usr/sbin/exportfs -u /export/nim\n"
    assert sim.estate.read("nim", "/var/adm/nimwrap/r/undo") == "exec /usr/sbin/exportfs -u /export/nim\n"
    assert sim.run("grep -c '/export/nim' /var/adm/nimwrap/r/undo").out == "1\n"


def test_the_script_may_come_over_the_input(sim: Sim) -> None:
    said = sim.run('nw_s=$(cat); eval "$nw_s" </dev/null', stdin="ls /export/nim\nexit 3")
    assert (said.status, said.out) == (3, "lpp_source\nmksysb\nspot\n")


def test_as_forced_command_of_sshd(sim: Sim) -> None:
    done = subprocess.run(
        [sim.estate.shell("nim")],
        env={"SSH_ORIGINAL_COMMAND": "sudo -n /usr/bin/ksh -c 'hostname; id -u; exit 5'"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout) == (5, "nim\n0\n")


@pytest.mark.parametrize("tool", ["stat", "timeout", "mktemp", "setsid", "flock", "seq", "readlink", "python3", "ip"])
def test_nothing_but_aix_is_found(sim: Sim, tool: str) -> None:
    assert sim.run(f"command -v {tool}").status != 0


def test_a_detached_process_stays_and_does_not_hold_the_caller(sim: Sim) -> None:
    waits = "while [ ! -f /tmp/word ]; do sleep 1; done; echo done >/tmp/flag"
    said = sim.run(f"nohup /usr/bin/ksh -c '{waits}' </dev/null >/dev/null 2>&1 & echo $!")
    pid = int(said.out)
    os.kill(pid, 0)
    (sim.estate.files("nim") / "tmp/word").touch()
    assert sim.run(f"while kill -0 {pid} 2>/dev/null; do sleep 1; done; cat /tmp/flag").out == "done\n"


def test_output_comes_as_it_is_printed(sim: Sim) -> None:
    process = sim.start("echo first; exec sleep 600")
    assert process.stdout is not None
    assert process.stdout.readline() == b"first\n"
    process.terminate()
    assert process.wait(120) == 143


def test_the_channel_translates_between_two_trees(sim: Sim) -> None:
    sim.run("echo client >/tmp/who", "aix01")
    sim.run("echo master >/tmp/who")
    said = sim.run(f"{C_RSH} aix01 'cat /tmp/who; ls -d /etc/niminfo; cd /tmp; pwd; exit 9' | grep '^[a-z/]'")
    assert said.out == "client\n/etc/niminfo\n/tmp\n"


def test_the_channel_hides_the_status(sim: Sim) -> None:
    assert sim.run(f"{C_RSH} aix01 'exit 9'").status == 0
    assert sim.run(f"{C_RSH} aix01 '( exit 9 ); echo rc=$?'").out == "rc=9\n"


def test_a_process_of_another_host_is_not_shown(sim: Sim) -> None:
    sim.estate.fault("client_busy", "process", "aix01")
    deadline = time.monotonic() + 120
    while "mksysb" not in (seen := sim.run("ps -ef | grep 'dev/rmt0' | grep -v grep", "aix01").out):
        assert time.monotonic() < deadline, seen
    assert "/usr/bin/mksysb -ei /dev/rmt0" in seen
    assert sim.run("ps -ef | grep 'dev/rmt0' | grep -v grep", "aix02").out == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="a process namespace of its own needs root")
def test_a_process_of_another_namespace_is_not_the_estates(sim: Sim) -> None:
    """The lab's hosts make images of the same names, and a client's stop script looks for writers by name."""
    name = f"powerha1_elsewhere_{os.getpid()}"
    for enter, seen in (([], True), (["unshare", "--pid", "--fork", "--kill-child"], False)):
        with subprocess.Popen([*enter, "/bin/sh", "-c", f"read {name}"], stdin=subprocess.PIPE) as process:
            until_started = time.monotonic() + 120
            while name not in subprocess.run(["ps", "-efww"], capture_output=True, text=True, check=True).stdout:
                assert time.monotonic() < until_started
            shown = sim.run(f"COLUMNS=2000 ps -ef | grep {name} | grep -v grep | grep -v unshare", "powerha1").out
            assert process.stdin
            process.stdin.close()
        assert (f"-c read {name}" in shown) == seen


def test_a_process_that_is_gone_by_the_time_it_is_looked_at_is_nobodys() -> None:
    """One of another namespace, such as the lab's, would else be shown in that moment."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert _elsewhere(f"root {gone.pid} 1 0 mksysb -ei /tmp/x".encode(), 1)
    assert not _elsewhere(b"UID PID PPID CMD", 1)
    assert not _elsewhere(f"root {gone.pid} 1 0 mksysb".encode(), None), "no namespaces here"
