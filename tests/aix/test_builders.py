"""The argv of every command, word for word, and that a shell sees exactly these words."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimwrap.aix import (
    cllsif,
    clmgr,
    clrginfo,
    df,
    exportfs,
    host,
    ifconfig,
    listvgbackup,
    lsattr,
    lsmksysb,
    lsnim,
    lssrc,
    lsvg,
    netstat,
    nim,
    niminfo,
    oslevel,
    showmount,
    source_perl,
    traceroute,
)

UTILITIES = "/usr/es/sbin/cluster/utilities"

WORDS = [
    (lsnim.long_argv(), "/usr/sbin/lsnim -l"),
    (lsnim.long_argv("quokka"), "/usr/sbin/lsnim -l quokka"),
    (lsnim.long_argv(type_="standalone"), "/usr/sbin/lsnim -t standalone -l"),
    (lsnim.table_argv("quokka", class_="resources"), "/usr/sbin/lsnim -c resources quokka"),
    (lsnim.table_argv(type_="mksysb"), "/usr/sbin/lsnim -t mksysb"),
    (
        nim.define_mksysb("q_1", client="quokka", location="/images/q_1", flags="ei"),
        "/usr/sbin/nim -o define -t mksysb -a server=master -a source=quokka -a mk_image=yes -a mksysb_flags=ei "
        "-a location=/images/q_1 q_1",
    ),
    (
        nim.define_mksysb("q_1", client="quokka", location="/images/q_1", flags="", force=True, size_preview=True),
        "/usr/sbin/nim -o define -F -t mksysb -a server=master -a source=quokka -a mk_image=yes "
        "-a location=/images/q_1 -a size_preview=yes q_1",
    ),
    (
        nim.define_existing("q_1", location="/images/q_1"),
        "/usr/sbin/nim -o define -t mksysb -a server=master -a location=/images/q_1 q_1",
    ),
    (
        nim.define_savevg("q_data", client="quokka", location="/images/q_data", volume_group="datavg"),
        "/usr/sbin/nim -o define -t savevg -a server=master -a source=quokka -a mk_image=yes -a volume_group=datavg "
        "-a location=/images/q_data q_data",
    ),
    (
        nim.define_ios("v_1", client="vios_a", location="/images/v_1", type_="ios_backup"),
        "/usr/sbin/nim -o define -t ios_backup -a server=master -a source=vios_a -a mk_image=yes "
        "-a location=/images/v_1 v_1",
    ),
    (nim.remove("q_1"), "/usr/sbin/nim -o remove q_1"),
    (nim.remove("q_1", rm_image=True), "/usr/sbin/nim -o remove -a rm_image=yes q_1"),
    (nim.reset("quokka"), "/usr/sbin/nim -o reset -F -a force=yes quokka"),
    (nim.deallocate("quokka", "spot", "spot_73"), "/usr/sbin/nim -o deallocate -a spot=spot_73 quokka"),
    (exportfs.list_argv(), "/usr/sbin/exportfs"),
    (exportfs.export_argv("/images/quokka", "-rw,access=a:b"), "/usr/sbin/exportfs -i -o rw,access=a:b /images/quokka"),
    (exportfs.unexport_argv("/images/quokka"), "/usr/sbin/exportfs -u /images/quokka"),
    (showmount.argv("nimmaster"), "showmount -e nimmaster"),
    (ifconfig.argv(), "ifconfig -a"),
    (netstat.argv(), "netstat -in"),
    (netstat.routes_argv(), "netstat -rn"),
    (traceroute.argv("nimmaster"), "traceroute -n -m 1 -q 1 -w 1 nimmaster"),
    (host.argv("10.20.30.41"), "host 10.20.30.41"),
    (df.argv("/tmp"), "df -Pk /tmp"),
    (lsmksysb.argv("/images/q_1"), "lsmksysb -lf /images/q_1"),
    (listvgbackup.argv("/images/q_1"), "listvgbackup -f /images/q_1"),
    (lsvg.argv(), "lsvg rootvg"),
    (lsvg.volumes_argv("datavg"), "lsvg -l datavg"),
    (oslevel.argv(), "oslevel -s"),
    (lsattr.argv("en0"), "lsattr -El en0"),
    (niminfo.argv(), "cat /etc/niminfo"),
    (clrginfo.argv(), f"{UTILITIES}/clRGinfo -s"),
    (cllsif.argv(), f"{UTILITIES}/cllsif -c"),
    (lssrc.argv(), "lssrc -ls clstrmgrES"),
    (lssrc.subsystem_argv("nimsh"), "lssrc -s nimsh"),
    (clmgr.argv("cluster"), f"{UTILITIES}/clmgr query cluster"),
    (clmgr.argv("resource_group", "apprg"), f"{UTILITIES}/clmgr query resource_group apprg"),
]


@pytest.mark.parametrize(("argv", "text"), WORDS, ids=[text[:60] for _, text in WORDS])
def test_argv(argv: list[str], text: str) -> None:
    assert argv == text.split()


def test_flags_with_a_blank_stay_one_word() -> None:
    argv = nim.define_mksysb("q_1", client="quokka", location="/images/q_1", flags="X e")
    assert "mksysb_flags=X e" in argv
    assert shlex.split(shlex.join(argv)) == argv


@given(st.text(min_size=1, max_size=60).filter(lambda text: "\0" not in text))
def test_a_hostile_name_reaches_the_shell_as_one_word(name: str) -> None:
    for argv in (
        nim.define_mksysb(name, client=name, location=f"/images/{name}", flags="ei"),
        nim.define_savevg(name, client=name, location=name, volume_group=name),
        nim.define_ios(name, client=name, location=name),
        nim.define_existing(name, location=name),
        nim.remove(name),
        nim.reset(name),
        nim.deallocate(name, name, name),
        lsnim.long_argv(name),
        lsnim.table_argv(name),
        exportfs.unexport_argv(name),
        host.argv(name),
        df.argv(name),
        exportfs.export_argv(f"/images/{name}", f"rw,access={name},root={name}"),
        traceroute.argv(name),
        showmount.argv(name),
        lsmksysb.argv(name),
        listvgbackup.argv(name),
        lsattr.argv(name),
        clmgr.argv(name, name),
        lsvg.argv(name),
        lssrc.subsystem_argv(name),
    ):
        assert shlex.split(shlex.join(argv)) == argv
        assert sum(name in word for word in argv) >= 1
    assert shlex.split(source_perl.shell(name))[-1] == name


@pytest.mark.parametrize("name", ["q; touch {}", "$(touch {})", "`touch {}`", "a\ntouch {}", "' ; touch {} ; '"])
def test_a_real_shell_runs_nothing_that_stands_in_a_name(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    witness = tmp_path_factory.mktemp("shell") / "witness"
    hostile = name.format(witness)
    argv = nim.define_existing(hostile, location=f"/images/{hostile}")
    script = f"nim() {{ printf '%s\\0' \"$@\"; }}\n{shlex.join(['nim', *argv[1:]])}\n{source_perl.shell(hostile)}"
    run = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False, timeout=20)
    assert run.stdout.split("\0")[:-1] == argv[1:]
    assert not witness.exists()


@pytest.mark.skipif(shutil.which("perl") is None, reason="no perl here")
def test_perl_tells_the_address_towards_a_destination() -> None:
    def ask(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["/bin/sh", "-c", source_perl.shell(name)], capture_output=True, text=True, check=False)

    assert source_perl.parse(ask("127.0.0.1").stdout) == "127.0.0.1"
    unknown = ask("no-such-host.invalid")
    assert unknown.returncode != 0
    assert unknown.stdout == ""
