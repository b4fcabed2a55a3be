"""What the estate prints has the layouts of the real captures: the parsers, which are pinned on those, read it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from nimwrap.aix import (
    classify,
    cllsif,
    clmgr,
    clrginfo,
    df,
    etc_exports,
    exportfs,
    host,
    ifconfig,
    lsattr,
    lslpp,
    lsmksysb,
    lsnim,
    lssrc,
    lsvg,
    netstat,
    nim,
    niminfo,
    oslevel,
    ps,
    restore,
    showmount,
    source_perl,
    traceroute,
)
from nimwrap.domain.codes import FailureCode

from .conftest import Sim

SYSBR = "bos.sysmgt.sysbr"
argv = shlex.join

READ: list[tuple[str, str, Callable[[str], Any], Callable[[Any], Any], Any]] = [
    ("nim", argv(lsnim.table_argv()), lsnim.parse_table, lambda rows: rows[-1].name, "aix02"),
    ("nim", argv(lsnim.long_argv("aix01")), lsnim.parse_long, lambda all_: all_["aix01"].ready, True),
    ("nim", argv(lsnim.long_argv()), lsnim.parse_long, lambda all_: all_["powerha1"].interfaces[0].host, "powerha1"),
    ("nim", argv(exportfs.list_argv()), etc_exports.parse_listing, lambda all_: all_[0].hosts("access"), ("aix01",)),
    ("nim", argv(showmount.argv("nim")), showmount.parse, len, 1),
    ("nim", argv(host.argv("powerha1-vip")), host.parse, lambda one: one.addresses, ("10.10.10.102",)),
    ("nim", argv(df.argv("/export/nim/mksysb")), df.parse, lambda rows: rows[0].mounted_on, "/export/nim"),
    ("nim", "df -k", df.parse, len, 9),
    ("nim", "df -g /tmp", df.parse, lambda rows: rows[0].size_bytes, 4 << 30),
    ("powerha1", argv(ifconfig.argv()), ifconfig.parse, lambda all_: all_[0].ipv4, ("10.10.10.102", "10.10.10.101")),
    (
        "powerha1",
        argv(netstat.argv()),
        lambda text: netstat.first_addresses(netstat.parse(text)),
        lambda first: first["en0"],
        "10.10.10.102",
    ),
    ("powerha1", argv(netstat.routes_argv()), netstat.parse_routes, lambda rows: rows[0].destination, "default"),
    ("powerha1", argv(traceroute.argv("nim")), traceroute.parse, lambda route: route.source, "10.10.10.102"),
    ("powerha1", source_perl.shell("nim"), source_perl.parse, str, "10.10.10.102"),
    ("powerha1", argv(niminfo.argv()), niminfo.parse, lambda info: info.master_hostname, "nim"),
    ("powerha1", argv(oslevel.argv()), oslevel.parse, str, "7200-05-04-2220"),
    ("powerha1", argv(lsvg.argv()), lsvg.parse, lambda group: group.name, "rootvg"),
    ("powerha1", argv(lsvg.volumes_argv()), lsvg.parse_volumes, lambda groups: len(groups["rootvg"]), 10),
    ("powerha1", argv(lsattr.argv("en0")), lsattr.parse, lambda found: found.netaddr, "10.10.10.101"),
    (
        "powerha1",
        argv(clrginfo.argv()),
        clrginfo.parse,
        lambda rows: [(row.state, row.node) for row in rows],
        [("ONLINE", "powerha1"), ("OFFLINE", "powerha2")],
    ),
    (
        "powerha1",
        argv(cllsif.argv()),
        cllsif.parse,
        lambda rows: {row.address for row in rows if row.type == "service"},
        {"10.10.10.102"},
    ),
    ("powerha1", argv(clmgr.argv("cluster")), clmgr.parse, lambda found: found["STATE"], "STABLE"),
    ("powerha1", argv(lssrc.argv()), lssrc.parse, lambda manager: manager.state, "ST_STABLE"),
    ("powerha1", argv(lssrc.subsystem_argv("nimsh")), lssrc.parse_subsystems, lambda rows: rows[0].name, "nimsh"),
    ("powerha1", argv(lslpp.argv(SYSBR)), lambda text: lslpp.parse(text, SYSBR), str, "7.2.5.4"),
    ("powerha1", argv(ps.argv()), ps.parse, bool, True),
]


def test_every_answer_is_understood(sim: Sim) -> None:
    sim.estate.add_export("/export/nim/spot -ro,access=aix01")
    for at, script, parse, pick, expected in READ:
        said = sim.run(script, at)
        assert pick(parse(said.text)) == expected, (script, said)


def test_a_successful_define_is_understood(sim: Sim) -> None:
    said = sim.back_up("aix01")
    space, progress = nim.parse_space(said.text), nim.parse_progress(said.text)
    assert space is not None
    assert space.available_bytes > space.required_bytes > 262144
    assert progress is not None
    assert (progress.done, progress.total, progress.percent) == (1200, 1200, 100)
    assert nim.completed(said.text)
    assert not nim.archive_warnings(said.text)
    header = lsmksysb.parse(sim.run(argv(lsmksysb.argv("/export/nim/mksysb/aix01.mksysb"))).text)
    assert (header.node, header.machine_id) == ("aix01", "00F60A6E4C00")
    whole = restore.parse(sim.run(restore.shell("/export/nim/mksysb/aix01.mksysb")).text)
    assert (whole.returncode, whole.files) == (0, 1200)


@pytest.mark.parametrize(
    ("fault", "host_", "client", "code"),
    [
        ("", None, "powerha1", FailureCode.EXPORT_DENIED),
        ("no_ptr", None, "powerha1", FailureCode.EXPORT_DENIED),
        ("standing_export", None, "aix01", FailureCode.EXPORT_CONFLICT),
        ("nimsh_down", "aix01", "aix01", FailureCode.CLIENT_UNREACHABLE),
        ("cpuid_mismatch", "aix01", "aix01", FailureCode.CLIENT_IDENTITY),
        ("client_busy", "aix01", "aix01", FailureCode.CLIENT_BUSY),
        ("locked_object", "aix01", "aix01", FailureCode.CLIENT_BUSY),
        ("disk_full", "nim", "aix01", FailureCode.SPACE_SHORT),
        ("write_denied", "aix01", "aix01", FailureCode.WRITE_DENIED),
        ("small_file_fs", "nim", "aix01", FailureCode.WRITE_DENIED),
    ],
)
def test_a_failed_define_is_classified(sim: Sim, fault: str, host_: str | None, client: str, code: FailureCode) -> None:
    if fault:
        sim.estate.fault(fault, host=host_)
    said = sim.back_up(client)
    assert classify.classify(said.text, said.status).code is code, said.err
