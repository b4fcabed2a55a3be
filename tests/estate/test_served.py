"""Commands that the server runs, beside the same as processes of their own: nobody can tell the difference."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate, build
from nimwrap.estate.launchers import real_tool
from nimwrap.estate.server import running
from tests.running import Cli

pytestmark = pytest.mark.skipif(
    real_tool("perl") is None or not Path("/proc/self/cwd").exists(), reason="commands ask no server here"
)

SCRIPTS = {
    "names": "hostname; uname -a; uname -m; id; id -u; oslevel -s; host powerha1-vip; host 10.10.10.9; echo $?",
    "tables": "lsnim; lsnim -l; lsnim -t mksysb; lsnim -Z -a cpuid -t standalone; lsnim -l nobody aix01; echo $?",
    "file systems": "df -k; df -P /export/nim; cd /export; df -k nim .; df /absent; echo $?; lsfs -q /export/nim",
    "network": "netstat -in; netstat -rn; ifconfig -a; ifconfig en9; echo $?; traceroute aix01; exportfs; mount",
    "software": "lslpp -Lc bos.sysmgt.*; lslpp -l nothing.*; echo $?; lssrc -a; lsvg; lspv; getconf KERNEL_BITMODE",
    "streams": "exec 2>&1; lsnim nobody aix01 nobody2; showmount -e nim; showmount -e nohost; echo $?",
    "pipes": "lsnim -l | grep -c cpuid; df -k | awk 'NR>1{print $7}'; lsnim >/tmp/a; lsnim >>/tmp/a; wc -l </tmp/a",
    "words": "lsnim 'a b' '' \"$(printf 'x\\ny')\"; echo $?; perl -e 'print \"real $ARGV[0]\\n\"' 'a  b'",
    "locale": "LC_ALL=fr_FR lsnim -l nobody; LC_ALL=C netstat -rn; COLUMNS=70 ps -ef | awk 'length > 70' | wc -l",
    "writes": "mkdir /tmp/m; mount nim:/export/nim/mksysb /tmp/m; mount; exportfs -i -o rw /export/nim; exportfs",
}
NODE = "clRGinfo -s; clRGinfo; cllsif -c; clmgr query cluster; clmgr query service_ip nobody; halevel -s"
UTILITIES = "PATH=$PATH:/usr/es/sbin/cluster/utilities; "


def said(estate: Estate, script: str, host: str) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [estate.shell(host), "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def exchanged(estate: Estate, script: str, given: bytes) -> tuple[int, bytes, bytes]:
    """As :func:`said`, with something to read."""
    done = subprocess.run(
        [estate.shell("nim"), "-c", script], input=given, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def state(estate: Estate) -> dict[str, Any]:
    """What stands on disk of the hosts and of NIM, without times and process numbers."""
    objects = {name: {**one, "creation_date": ""} for name, one in estate.objects().items()}
    exports = [estate.read("nim", path) for path in ("/etc/exports", "/etc/xtab")]
    files = {path: text for path, text in estate.snapshot().items() if text != "link" and not path.endswith(".host")}
    programs = {path for path in files if any(part in path for part in ("/bin/", "/sbin/", "/lpp/", "/es/", "/ios/"))}
    names = sorted(files.keys() - programs)
    log = sorted((one.host, one.changes, one.argv) for one in estate.log() if one.argv[0] not in ("mkdir", "mv", "rm"))
    return {"objects": objects, "exports": exports, "files": names, "mounts": estate.mounts("powerha1"), "log": log}


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Estate, Estate]:
    """The founding case with the server of this session, and without one."""
    served = build(tmp_path / "served")
    monkeypatch.delenv("ESTATE_SERVER")
    return served, build(tmp_path / "plain")


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("host", ["nim", "powerha1"])
def test_a_script_says_the_same_either_way(both: tuple[Estate, Estate], name: str, host: str) -> None:
    served, plain = both
    for fault in ("french_locale", "no_ptr"):
        served.fault(fault)
        plain.fault(fault)
    assert said(served, SCRIPTS[name], host) == said(plain, SCRIPTS[name], host)
    assert state(served) == state(plain)


@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("cat", b"echo /etc/hosts\n" * 20_000 + b"/etc/no end of line"),
        ("cat; cat /etc/hosts >&2; kill -9 $$", bytes(range(1, 256)) * 300),
        ("exit 3", b"nobody reads this\n" * 20_000),
        ("exec /usr/bin/ksh -s", b"umask; pwd; ls -d /export/nim; exit 4\n"),
        ("printf '/tmp/%s' . . .; printf %s $HOME; ulimit -f; kill -15 $$", b""),
        ("ls /usr/bin /usr/bin /usr/bin | head -1", b""),
    ],
)
def test_the_shell_passes_on_the_same_either_way(both: tuple[Estate, Estate], script: str, given: bytes) -> None:
    served, plain = both
    assert exchanged(served, script, given) == exchanged(plain, script, given)


@pytest.mark.parametrize("fault", [("root_umask", "027"), ("fsize_limited", 4096), ("root_shell", "/bin/sh")])
def test_the_login_is_the_same_either_way(both: tuple[Estate, Estate], fault: tuple[str, object]) -> None:
    served, plain = both
    for estate in both:
        estate.fault(*fault)
    script = "umask; ulimit -f; echo $0 $PATH $HOME $SHELL; env | sort | grep -v '^_='"
    assert said(served, script, "nim") == said(plain, script, "nim")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_shell_ends_what_it_runs_either_way(both: tuple[Estate, Estate], number: int) -> None:
    for estate in both:
        shell = subprocess.Popen(
            ["env", "--default-signal", estate.shell("nim"), "-c", "echo $$; exec sleep 600"],  # & ignores it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        with shell:
            assert shell.stdout is not None
            pid = int(shell.stdout.readline())
            shell.send_signal(number)
            assert shell.wait(60) == 128 + number
        until = time.monotonic() + 60
        while Path(f"/proc/{pid}/cwd").exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert not Path(f"/proc/{pid}/cwd").exists()


def test_a_cluster_says_the_same_either_way(both: tuple[Estate, Estate]) -> None:
    served, plain = both
    assert said(served, UTILITIES + NODE, "powerha2") == said(plain, UTILITIES + NODE, "powerha2")
    assert state(served) == state(plain)


@pytest.mark.parametrize("trouble", ["", "write_denied", "truncated_image_rc0", "nimsh_down"])
def test_a_backup_comes_to_the_same_either_way(
    both: tuple[Estate, Estate], run_cli: Cli, tmp_path: Path, trouble: str
) -> None:
    came = []
    for estate in both:
        if trouble:
            estate.fault(trouble, host="powerha1")
        config = tmp_path / f"{estate.root.name}.toml"
        config.write_text(estate.config())
        ran = run_cli("backup", "powerha1", "--json", config=config)
        run = ran.data["runs"][0]
        findings = [(one["check"], one["status"]) for one in run.get("findings", [])]
        objects = sorted((one["type"], one.get("oslevel_s", "")) for one in estate.objects().values())
        stands = (objects, estate.mounts("powerha1"), estate.exports_text())
        came.append((ran.exit_code, run["outcome"], run.get("remedy"), findings, stands))
    assert came[0] == came[1]


def test_a_command_that_hangs_is_a_process_that_can_be_killed(both: tuple[Estate, Estate]) -> None:
    served, _ = both
    served.fault("rootvg_locked", host="powerha1")
    program = served.files("powerha1") / "usr/sbin/lsvg"
    with subprocess.Popen([program, "rootvg"], stderr=subprocess.PIPE) as hanging:
        assert hanging.stderr is not None
        assert b"0516-1201" in hanging.stderr.readline()
        assert said(served, "lsvg", "powerha1")[0] == 0, "others wait for it"
        hanging.send_signal(signal.SIGTERM)
        assert hanging.wait() == -signal.SIGTERM
    assert [one.argv for one in served.log()] == [("lsvg", "rootvg"), ("lsvg",)]


def test_a_reader_that_leaves_ends_the_command_as_a_closed_pipe_does(both: tuple[Estate, Estate]) -> None:
    for estate in both:
        with subprocess.Popen([estate.files("nim") / "usr/sbin/lsnim", "-l"], stdout=subprocess.PIPE) as telling:
            assert telling.stdout is not None
            telling.stdout.close()
            assert telling.wait() in (141, -signal.SIGPIPE)


def test_without_its_server_a_command_runs_by_itself(tmp_path: Path) -> None:
    estate = build(tmp_path / "estate", server=str(tmp_path / "nobody"))
    assert said(estate, "lsnim aix01; lsnim nobody", "nim")[0] == 53
    assert said(estate, "oslevel -s", "nim") == (0, b"7200-05-04-2220\n", b"")


def test_the_server_ends_with_its_owner(tmp_path: Path) -> None:
    with running(tmp_path) as place:
        holder = _listener(place)
        estate = build(tmp_path / "estate", server=place)
        assert said(estate, "oslevel -s", "nim")[0] == 0
    until = time.monotonic() + 10
    while Path(f"/proc/{holder}").exists() and time.monotonic() < until:
        pass
    assert not Path(f"/proc/{holder}").exists()


def _listener(place: str) -> int:
    """The process whose command line names the socket."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(place) in words:
            return int(process.name)
    raise AssertionError(f"nobody serves {place}")


def test_the_server_keeps_no_descriptor_of_what_it_has_run(tmp_path: Path) -> None:
    with running(tmp_path) as place:
        estate = build(tmp_path / "estate", server=place)
        server = next(
            pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and place in _argv(pid) and pid.name != "self"
        )
        before = len(list((server / "fd").iterdir()))
        assert said(estate, "for n in 1 2 3 4 5; do ps -ef >/dev/null; done", "nim")[0] == 0
        assert len(list((server / "fd").iterdir())) == before


def _argv(process: Path) -> list[str]:
    try:
        return os.fsdecode((process / "cmdline").read_bytes()).split("\0")
    except OSError:
        return []
