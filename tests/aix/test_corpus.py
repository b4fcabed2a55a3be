"""Facts in real captured outputs: for every file whose command we read, values that stand in it.

The captures are no part of the project; without them beside it this file is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nimwrap.aix import (
    classify,
    clmgr,
    clrginfo,
    df,
    etc_exports,
    host,
    ifconfig,
    lsattr,
    lslpp,
    lsmksysb,
    lsnim,
    lssrc,
    lsvg,
    messages,
    mount,
    netstat,
    nim,
    niminfo,
    oslevel,
    ps,
    showmount,
    traceroute,
)
from nimwrap.aix.text import Unrecognised

CORPUS = Path(__file__).parents[2].parent / "shared" / "transcripts"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/transcripts is not beside the project")

Fact = tuple[Callable[[str], Any], Callable[[Any], Any], Any]


def fact(parse: Callable[[str], Any], look: Callable[[Any], Any], value: Any) -> Fact:
    return parse, look, value


def addresses(name: str) -> Callable[[list[ifconfig.Interface]], tuple[str, ...]]:
    return lambda found: next(interface.ipv4 for interface in found if interface.name == name)


def order(rows: list[netstat.Row]) -> list[tuple[str, str]]:
    return [(row.interface, row.address) for row in rows if not row.link and not row.interface.startswith("lo")]


def free(path: str) -> Callable[[list[df.Filesystem]], int | None]:
    return lambda found: next(row.free_bytes for row in found if row.mounted_on == path)


def refused(text: str) -> Any:
    return classify.classify(text, 1)


def code_of(failure: Any) -> str:
    return str(failure.code)


def default_routes(found: list[netstat.Route]) -> list[tuple[str, str]]:
    return [(route.gateway, route.interface) for route in found if route.destination == "default"]


def client_fileset(text: str) -> str | None:
    return lslpp.parse(text, "bos.sysmgt.nim.client")


BOOT_FIRST = [("en0", "10.10.10.101"), ("en0", "10.10.10.102")]
SERVICE_FIRST = BOOT_FIRST[::-1]
NODE_LABELS = [("en1", "npospdb2-cv"), ("en0", "node_svc"), ("en0", "nodeb")]

FACTS: dict[str, list[Fact]] = {
    "nim/lsnim--all-objects": [
        fact(lsnim.parse_table, len, 7),
        fact(lsnim.parse_table, lambda r: (r[3].name, r[3].class_, r[3].type), ("net_10_192_168_0", "networks", "ent")),
    ],
    "nim/lsnim--one-machine": [
        fact(lsnim.parse_table, lambda r: r, [lsnim.TableRow("nimclient", "machines", "standalone")])
    ],
    "nim/lsnim--three-named-objects": [
        fact(lsnim.parse_table, lambda r: [row.type for row in r], ["boot", "nim_script", "certificate"])
    ],
    "nim/lsnim-c--machines": [fact(lsnim.parse_table, lambda r: [row.name for row in r], ["master", "aix01", "aix02"])],
    "nim/lsnim-c--resources-allocated-to-client": [
        fact(
            lsnim.parse_table,
            lambda r: [(row.name, row.type) for row in r],
            [("aix730202lpp", "lpp_source"), ("aix730202spot", "spot")],
        )
    ],
    "nim/lsnim-t--lpp_source": [
        fact(lsnim.parse_table, lambda r: [row.name for row in r][1:3], ["lpp_aix61_tl8sp2", "lpp_aix61_tl8sp1"])
    ],
    "nim/nimclient-l--L-list-mksysb-of-client": [
        fact(
            lsnim.parse_table,
            lambda r: [(row.name, row.type) for row in r],
            [("aix13_220720_img", "mksysb"), ("aix13_220713_img", "mksysb")],
        )
    ],
    "nim/lsnim-a--four-states": [fact(lsnim.parse_long, lambda r: r["<vios>"].ready, True)],
    "nim/lsnim-l--0042-053-no-such-object": [
        fact(lsnim.no_such_object, bool, True),
        fact(refused, code_of, "client_unknown"),
    ],
    "nim/lsnim-l--fb_script-alloc2": [
        fact(
            lsnim.parse_long,
            lambda r: (r["acceptance_setup_fb_script"].type, r["acceptance_setup_fb_script"].first("alloc_count")),
            ("fb_script", "2"),
        )
    ],
    "nim/lsnim-l--image_data": [
        fact(lsnim.parse_long, lambda r: r["image_data"].first("location"), "/export/lpp_source/image.data")
    ],
    "nim/lsnim-l--installp_bundle": [
        fact(lsnim.parse_long, lambda r: r["7200TL5SP4_emgr"].first("comments"), "AIX 7.2 TL5 SP4 emgr_bundle")
    ],
    "nim/lsnim-l--lpp_source-7100-03-05": [
        fact(lsnim.parse_long, lambda r: r["7100-03-05-1524-lpp_source"].first("simages"), "yes")
    ],
    "nim/lsnim-l--lpp_source-72TL5SP4": [
        fact(lsnim.parse_long, lambda r: r["7200TL5SP4_lpp"].first("location"), "/nim/lpp/7200TL5SP4_lpp")
    ],
    "nim/lsnim-l--mksysb-72-03-04-from-module-sample": [
        fact(
            lsnim.parse_long,
            lambda r: (
                r["nimclient2_sysb"].class_,
                r["nimclient2_sysb"].first("source_image"),
                r["nimclient2_sysb"].first("creation_date"),
            ),
            ("resources", "nimclient2", "Sun May 3 15:54:44 2020"),
        )
    ],
    "nim/nimclient-l--mksysb-72TL5": [
        fact(
            lsnim.parse_long,
            lambda r: (r["aix13_220720_img"].first("location"), r["aix13_220720_img"].first("oslevel_s")),
            ("/mksysb/aix13/aix13_220720_img", "7200-05-04-2220"),
        )
    ],
    "nim/lsnim-l--standalone-installed_image-mgmt_profile": [
        fact(
            lsnim.parse_long,
            lambda r: r["nimclient01"].interfaces,
            (lsnim.NimInterface("master_net", "nimclient01.aus.stglabs.ibm.com", "AED8E7E90202", "ent0"),),
        )
    ],
    "nim/lsnim-l--standalone-new-nimsh-no-cpuid": [
        fact(lsnim.parse_long, lambda r: r["aix05"].first("cpuid"), None),
        fact(
            lsnim.parse_long, lambda r: r["aix05"].interfaces, (lsnim.NimInterface("net_10_192_168_0", "aix05", "0"),)
        ),
    ],
    "nim/lsnim-l--standalone-nimsh-secure-failure-err_info": [
        fact(
            lsnim.parse_long,
            lambda r: (
                r["aud4158l"].ready,
                r["aud4158l"].first("Cstate_result"),
                r["aud4158l"].first("connect"),
                r["aud4158l"].first("err_info"),
            ),
            (
                True,
                "failure",
                "nimsh (secure)",
                '0042-175 c_installp: An unexpected result was returned by the "/usr/sbin/installp" command:',
            ),
        )
    ],
    "nim/ifconfig-a--aix-rac-flags-480": [
        fact(ifconfig.parse, lambda r: (r[0].addresses[0].prefix, *r[0].ipv4), (26, "10.205.128.22"))
    ],
    "nim/ifconfig-a--powervs-ipv6-sit0": [
        fact(ifconfig.parse, lambda r: [interface.name for interface in r], ["en0", "enl", "sit0", "lo0"]),
        fact(ifconfig.parse, lambda r: r[1].addresses, (ifconfig.Address("fe80::205f:dfff:fe3e:dc56", 6, 64),)),
        fact(ifconfig.parse, lambda r: r[3].addresses[1].address, "::1"),
    ],
    "nim/ifconfig-a--seed-after-boot-ip-first": [
        fact(ifconfig.parse, addresses("en0"), ("10.10.10.101", "10.10.10.102"))
    ],
    "nim/ifconfig-a--seed-powerha-service-ip-first-alias": [
        fact(ifconfig.parse, addresses("en0"), ("10.10.10.102", "10.10.10.101"))
    ],
    "nim/ifconfig-a--test-alias-order": [fact(ifconfig.parse, addresses("en0"), ("192.168.148.10", "192.168.149.100"))],
    "nim/ifconfig-a--two-inet-lines-comment": [fact(ifconfig.parse, addresses("en0"), ("30.0.0.1", "192.168.2.1"))],
    "powerha/ifconfig-a--boot-ip-first-after-disable-firstalias": [
        fact(ifconfig.parse, addresses("en0"), ("10.10.10.101", "10.10.10.102"))
    ],
    "powerha/ifconfig-a--service-ip-first-alias-before-fix": [
        fact(ifconfig.parse, addresses("en0"), ("10.10.10.102", "10.10.10.101"))
    ],
    "nim/netstat-in--seed-after": [fact(netstat.parse, order, BOOT_FIRST)],
    "nim/netstat-in--seed-before": [
        fact(netstat.parse, order, SERVICE_FIRST),
        fact(netstat.parse, netstat.first_addresses, {"en0": "10.10.10.102", "lo0": "127.0.0.1"}),
    ],
    "powerha/netstat-in--boot-ip-first-after-disable-firstalias": [fact(netstat.parse, order, BOOT_FIRST)],
    "powerha/netstat-in--service-ip-first-alias-before-fix": [fact(netstat.parse, order, SERVICE_FIRST)],
    "nim/netstat-in--single-nic": [
        fact(netstat.parse, lambda r: (r[0].address, r[-1].address), ("a.c6.24.39.41.3", "::1"))
    ],
    "nim/netstat-ni--ipv4-only": [fact(netstat.parse, order, [("en0", "9.200.104.23")])],
    "nim/netstat-ni--ipv6-two-nics": [
        fact(netstat.parse, order, [("en1", "fe80::206:29ff:fedc:1545"), ("en0", "fe80::204:acff:fe17:b411")])
    ],
    "nim/netstat-i--powerha-service-label-first": [fact(netstat.parse, order, NODE_LABELS)],
    "powerha/netstat-i--service-alias-listed-before-node-address": [fact(netstat.parse, order, NODE_LABELS)],
    "powerha/netstat-i--powerha-7.1.3-service-address-first": [
        fact(netstat.parse, order, [("en0", "mylpar01"), ("en0", "mylpar01p"), ("en1", "mylpar01m")])
    ],
    "nim/netstat-nrf-inet--lpar": [fact(netstat.parse_routes, default_routes, [("172.29.128.13", "en0")])],
    "nim/netstat-rn--5.3c-three-nics-alias-net": [
        fact(netstat.parse_routes, default_routes, [("10.3.0.253", "en1")]),
        fact(netstat.parse_routes, lambda r: sum(route.duplicate for route in r), 4),
    ],
    "nim/netstat-rn--6.1a-two-nics": [fact(netstat.parse_routes, default_routes, [("172.16.0.254", "en1")])],
    "nim/netstat-rn--6.1b-four-nics-alias-net": [fact(netstat.parse_routes, default_routes, [("10.3.0.253", "en3")])],
    "nim/netstat-rn--non-root-Z-flag-message": [fact(netstat.parse_routes, default_routes, [("172.31.0.1", "en0")])],
    "nim/netstat-rn--single-nic": [fact(netstat.parse_routes, default_routes, [("10.32.77.1", "en0")])],
    "nim/traceroute--seed-after-source-is-boot-ip": [fact(traceroute.parse, lambda r: r.source, "10.10.10.101")],
    "nim/traceroute--seed-source-is-service-ip": [
        fact(traceroute.parse, lambda r: (r.source, r.destination), ("10.10.10.102", "10.10.10.100"))
    ],
    "powerha/traceroute--source-is-boot-ip-after-fix": [fact(traceroute.parse, lambda r: r.source, "10.10.10.101")],
    "powerha/traceroute--source-is-service-ip-before-fix": [fact(traceroute.parse, lambda r: r.source, "10.10.10.102")],
    "nim/host--forward-and-reverse": [
        fact(host.parse, lambda r: (r.name, r.addresses), ("nimclient", ("192.168.0.2",)))
    ],
    "nim/etc-niminfo--parsed-61-09": [
        fact(niminfo.parse, lambda r: (r.name, r.master_id, r.channel), ("rn12402pl", "00F62C634C00", "nimsh")),
        fact(niminfo.parse, lambda r: r.hosts[2], ("172.27.8.18", "rn100pgpl.itc.testlab.intranet")),
    ],
    "nim/niminfo--nim-configuration": [
        fact(niminfo.parse, lambda r: (r.master_hostname, r.channel, r.configuration), ("test", "nimsh", "master"))
    ],
    "nim/niminfo--w-wrong-nim-configuration": [fact(niminfo.parse, lambda r: r.configuration, "testtest")],
    "nim/niminfo--wo-nim-configuration": [fact(niminfo.parse, lambda r: (r.name, r.configuration), ("aix7", ""))],
    "nim/df-Pk--61-no-nfs": [fact(df.parse, free("/tmp"), 857700 * 1024), fact(df.parse, free("/proc"), None)],
    "nim/df-Pk--inside-wpar": [fact(df.parse, free("/usr"), 2517832 * 1024)],
    "nim/df-g--client-via-m_cust": [fact(df.parse, free("/admin"), 1 << 30), fact(df.parse, len, 10)],
    "nim/df-g--single-fs": [fact(df.parse, free("/test"), 10 << 30)],
    "nim/df-k--nfs-mounts-host-colon": [
        fact(
            df.parse, lambda r: (r[0].device, r[0].remote, r[0].free_bytes), ("TEPR2D01:/sapcomm", True, 1854036 * 1024)
        )
    ],
    "nim/df-k--single-fs-opt": [fact(df.parse, free("/opt"), 312140 * 1024)],
    "nim/lsmksysb-lf--7200-03-02-full": [
        fact(
            lsmksysb.parse,
            lambda r: r,
            lsmksysb.ImageHeader(
                "rootvg",
                "sapaix",
                "00C97B604B00",
                "Thu Dec 16 00:38:18 UTC 2021",
                "7.2.3.15",
                "7200-03",
                "7200-03-02-1846",
                28448,
                8483,
            ),
        )
    ],
    "nim/lssavevg-l--7300-vg-data-only": [
        fact(lsmksysb.parse, lambda r: (r.volume_group, r.node, r.machine_id), ("app", "aix7", "00FB4F3C4C00"))
    ],
    "nim/lsvg--rootvg-61": [fact(lsvg.parse, lambda r: r, lsvg.VolumeGroup("rootvg", "active", 25536, 6432))],
    "nim/lsvg--0516-1201-rootvg-locked": [fact(lsvg.locked, bool, True), fact(refused, code_of, "rootvg_locked")],
    "nim/lsvg-l--0516-010-not-varied-on": [
        fact(messages.headline, str, ("0516-010 Volume group must be varied on; use varyonvg command."))
    ],
    "nim/lsvg-l--app": [fact(lsvg.parse_volumes, lambda r: r["app"][0].mount_point, "/app")],
    "nim/lsvg-l--rootvg-61": [
        fact(lsvg.parse_volumes, lambda r: (len(r["rootvg"]), r["rootvg"][6].physical_partitions), (17, 64))
    ],
    "nim/oslevel-s--7200-03-05": [fact(oslevel.parse, str, "7200-03-05-2016")],
    "nim/oslevel-s--7200-05-05": [fact(oslevel.parse, lambda r: r > oslevel.Level(7200, 3, 5, 2016), True)],
    "nim/c_rsh--oslevel-ok": [fact(oslevel.parse, lambda r: r.release, "7100-03")],
    "nim/mount--lpar-jfs2-and-nfs3": [
        fact(mount.parse, lambda r: (len(r), r[0].vfs, r[-1].vfs, r[-1].node), (9, "jfs2", "nfs3", "192.168.1.11"))
    ],
    "nim/mount--inside-wpar": [fact(mount.parse, lambda r: [row.vfs for row in r][3:5], ["namefs", "jfs2"])],
    "nim/mount--powervs-aix72": [
        fact(mount.parse, lambda r: (r[-1].mounted_on, r[-1].vfs), ("/mksysb-staging", "jfs2"))
    ],
    "nim/ps-ef--stuck-lsvg": [
        fact(
            ps.parse,
            lambda r: [(row.pid, row.program) for row in r],
            [(7077894, "lsvg"), (41746566, "lsvg"), (43122796, "chvg")],
        )
    ],
    "nim/lslpp-cl--nim-client-53": [fact(client_fileset, str, "5.3.10.0")],
    "nim/lslpp-cl--nim-client-61": [fact(client_fileset, str, "6.1.4.0")],
    "nim/lslpp-cl--nim-master-61-french": [fact(client_fileset, str, "6.1.6.1")],
    "nim/lsattr-El--en3-detached": [fact(lsattr.parse, lambda r: (r.state, r.addresses), ("detach", ("172.19.3.38",)))],
    "nim/lsattr-El--en3-with-alias4": [fact(lsattr.parse, lambda r: r.addresses, ("10.3.40.101", "192.168.203.101"))],
    "nim/showmount-e--from-linux-client": [fact(showmount.parse, lambda r: r, [showmount.Shown("/u02/share")])],
    "nim/showmount-e--mksysb-wildcard-domain": [fact(showmount.parse, lambda r: r[0].hosts, ("*.domain.com",))],
    "nim/showmount-e--on-aix-lowercase": [fact(showmount.parse, lambda r: r, [showmount.Shown("/u02/share")])],
    "nim/etc-exports--access-and-root-hostlists": [
        fact(
            etc_exports.parse_file,
            lambda r: (r[0].directory, r[0].hosts("access") == r[0].hosts("root"), r[0].hosts("rw")),
            ("/appl/platinum/autocomm", True, ()),
        ),
        fact(
            etc_exports.parse_listing, lambda r: r[0].hosts("access"), ("TEPR2D01", "TEDV2E01", "peerap01", "peerap04")
        ),
    ],
    "nim/etc-exports--sec-none-access-root": [
        fact(
            etc_exports.parse_file,
            lambda r: (len(r), r[0].hosts("root") == r[0].hosts("access"), r[0].hosts("root")[1]),
            (1, True, "cabrshorsap05_gb"),
        )
    ],
    "nim/etc-xtab--one-export-root-ip": [
        fact(
            etc_exports.parse_listing,
            lambda r: (r[0].directory, r[0].hosts("root"), r[0].text),
            ("/u02/share", ("192.168.1.10",), "/u02/share -sec=sys:krb5p:krb5i:krb5:dh,rw,root=192.168.1.10"),
        )
    ],
    "nim/exportfs-av--1831-187-re-exported": [
        fact(messages.messages, lambda r: (len(r), r[8].text), (11, "re-exported /sapmnt/PRD"))
    ],
    "nim/nim-define-mksysb--seed-1831-011-access-denied-rc175": [
        fact(
            messages.messages,
            lambda r: [message.code for message in r],
            ["0042-001", "0042-001", "0042-175", "1831-011", "1831-008"],
        ),
        fact(messages.headline, str, "1831-011 mount: access denied for nim:/export/nim/mksysb"),
        fact(refused, code_of, "export_denied"),
        fact(nim.completed, bool, False),
    ],
    "powerha/nim-define-mksysb--0042-175-mount-access-denied": [
        fact(refused, code_of, "export_denied"),
        fact(messages.messages, len, 5),
    ],
    "powerha/nim-cust--0042-175-c_script-not-found-doc-sample": [
        fact(
            refused,
            lambda r: (r.code, r.message),
            ("unknown", ("/tmp/_nim_dir_4714/script[10]: /usr/lpp/bos.sysmgt/nim/methods/c_cfgadptrs: not found.")),
        )
    ],
    "nim/nim-define-mksysb--success-full-output": [
        fact(nim.parse_space, lambda r: r, nim.Space(18300744 * 1024, 866896892 * 1024)),
        fact(nim.parse_progress, lambda r: r, nim.OperationProgress(102488, 102488, 100)),
        fact(nim.completed, bool, True),
        fact(nim.archive_warnings, bool, False),
    ],
    "nim/mksysb-ipX--local-success-7200-03": [
        fact(nim.parse_progress, lambda r: r, nim.OperationProgress(78998, 78998, 100)),
        fact(nim.completed, bool, True),
    ],
    "nim/savevg-r--success": [fact(nim.completed, bool, True), fact(nim.parse_progress, lambda r: r.total, 6)],
    "nim/mksysb--0511-449-file-vanished": [fact(messages.messages, lambda r: (len(r), r[0].code), (1, "0511-449"))],
    "nim/nim-define-lpp_source--0042-154-no-such-file": [fact(refused, code_of, "nim_refused")],
    "nim/nim-define-standalone--0042-021-missing-if": [
        fact(refused, code_of, "nim_refused"),
        fact(messages.headline, str, '0042-021 m_mkmac: the "if" attribute is required for this operation'),
    ],
    "nim/nim-define-standalone--0042-130-server-not-allowed": [fact(refused, code_of, "nim_refused")],
    "nim/nim-remove--0042-052-resources-allocated": [
        fact(refused, code_of, "client_busy"),
        fact(
            messages.headline,
            str,
            ('0042-052 m_rmmac: unable to remove "aix05" because resources have been allocated to it'),
        ),
    ],
    "nim/nim-showres--0042-207-unable-to-allocate": [fact(refused, code_of, "client_busy")],
    "nim/nim-updateios--0042-001-ssp-cluster": [fact(refused, code_of, "nim_refused")],
    "nim/nim--usage-operations-and-types": [fact(refused, code_of, "nim_refused")],
    "nim/c_rsh--0042-006-connection-refused": [fact(refused, code_of, "client_unreachable")],
    "nim/mount--1831-008-vmount-not-permitted": [
        fact(refused, code_of, "export_denied"),
        fact(refused, lambda r: "nfs_use_reserved_ports" in r.fix, True),
    ],
    "nim/listvgbackup--0512-054-missing-or-empty": [fact(refused, code_of, "image_missing")],
    "powerha/clRGinfo-s--two-resource-groups-two-nodes": [
        fact(
            clrginfo.parse,
            lambda r: [(row.group, row.node) for row in r if row.state == "ONLINE"],
            [("pdb213rg", "pasv0450"), ("pmon01rg", "pasv0449")],
        ),
        fact(clrginfo.parse, lambda r: (r[0].startup, r[0].fallover, r[0].fallback), ("OHN", "FNPN", "NFB")),
    ],
    "powerha/clmgr-query-cluster--state-stable": [fact(clmgr.parse, lambda r: r, {"STATE": "STABLE"})],
    "powerha/clvt-query-node--doc-sample-attributes": [
        fact(clmgr.parse, lambda r: (len(r), r["IPLABEL2"]), (19, "regaa11_base20"))
    ],
    "powerha/clvt-query-resource_group--doc-sample-RG1": [
        fact(
            clmgr.parse,
            lambda r: (r["DISK"], r["NFS_NETWORK"], r["SERVICE_LABEL"], r["NODES"]),
            ("hdisk3", "", "alias_svc1", "regaa11 regaa12"),
        )
    ],
    "powerha/clshowsrv-v--7.1.3-sp2-ST_STABLE": [fact(lssrc.parse, lambda r: (r.stable, r.level), (True, "7132"))],
    "powerha/lssrc-ls-clstrmgrES--7.1.3-ST_STABLE-section": [
        fact(lssrc.parse, lambda r: (r.state, r.level), ("ST_STABLE", "7132"))
    ],
    "powerha/lssrc-a--cluster-subsystems-nimsh-inoperative": [
        fact(lssrc.parse_subsystems, lambda r: [row.name for row in r if not row.active], ["nimsh", "secldapclntd"]),
        fact(lssrc.parse_subsystems, lambda r: (r[4].name, r[4].group, r[4].pid), ("gsclvmd", "", 23986188)),
    ],
    "powerha/lssrc-a--cthags-inoperative-caa-daemons-active": [
        fact(
            lssrc.parse_subsystems,
            lambda r: [(row.name, row.active) for row in r][:3],
            [("inetd", True), ("cthags", False), ("clcomd", True)],
        )
    ],
    "powerha/lssrc-s-clcomd--inoperative": [
        fact(lssrc.parse_subsystems, lambda r: r, [lssrc.Subsystem("clcomd", "caa", None, "inoperative")])
    ],
}

OURS = (
    "lsnim-l",
    "lsnim--",
    "lsnim-a",
    "lsnim-c",
    "lsnim-t",
    "nimclient",
    "nim-",
    "nim--",
    "ifconfig-a",
    "netstat-i",
    "netstat-n",
    "netstat-r",
    "traceroute",
    "host",
    "niminfo",
    "etc-niminfo",
    "etc-exports",
    "etc-xtab",
    "exportfs",
    "showmount",
    "df",
    "lsmksysb",
    "lssavevg",
    "listvgbackup",
    "lsvg",
    "oslevel-s",
    "lsattr",
    "c_rsh",
    "clRGinfo",
    "cllsif",
    "clmgr",
    "clvt",
    "lssrc",
    "ps-ef",
    "lslpp-cl",
    "mksysb-ipX",
    "mksysb--",
    "savevg",
)
NOT_OURS = {
    "nim/ifconfig-alias-order--apar-iv21533": "a text about commands",
    "nim/nim-cust--efix-success": "another operation",
    "nim/nim-define-spot--from-mksysb-start": "another operation",
    "nim/nim-showres--installp-grep-p": "another operation",
}


def body(name: str) -> str:
    """The capture without its two heading lines, decoded as a host's output is."""
    text = (CORPUS / f"{name}.txt").read_bytes().decode("utf-8", "replace")
    return text.split("\n", 2)[2]


@pytest.mark.parametrize("name", sorted(FACTS))
def test_facts_of_a_real_output(name: str) -> None:
    text = body(name)
    for parse, look, value in FACTS[name]:
        assert look(parse(text)) == value


def test_no_capture_of_our_commands_is_left_out() -> None:
    names = {f"{path.parent.name}/{path.stem}" for path in CORPUS.glob("*/*.txt")}
    ours = {name for name in names if name.partition("/")[2].startswith(OURS)}
    assert ours - set(NOT_OURS) - set(FACTS) == set()
    assert set(FACTS) | set(NOT_OURS) <= names


@pytest.mark.parametrize(
    "name",
    [
        "nim/lsnim-P--classes",
        "nim/lsnim-p--classes",
        "nim/restvg--prompt",
        "powerha/lscluster-m--fragment-points-of-contact-zero",
    ],
)
@pytest.mark.parametrize(
    "parse",
    [
        lsnim.parse_long,
        netstat.parse,
        netstat.parse_routes,
        ifconfig.parse,
        traceroute.parse,
        df.parse,
        host.parse,
        lsmksysb.parse,
        clmgr.parse,
        clrginfo.parse,
        lssrc.parse,
        niminfo.parse,
        showmount.parse,
        lsattr.parse,
    ],
)
def test_output_of_another_command_is_not_taken_for_ours(name: str, parse: Callable[[str], Any]) -> None:
    with pytest.raises(Unrecognised):
        parse(body(name))
