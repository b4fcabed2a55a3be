"""What the records say beyond their fields."""

from __future__ import annotations

from nimwrap.aix import etc_exports, ifconfig, lsnim, netstat, nim, niminfo, oslevel
from nimwrap.aix.addresses import prefix_length

CLIENT = """quokka:
   class  = machines
   type   = standalone
   if10   = net_c quokka-c 0
   if2    = net_b quokka-b 0A0B0C0D0E0F ent1
   if1    = net_a quokka.lab.example 0
   if3    = broken
   Cstate = %s
"""


def test_interfaces_stand_in_numeric_order_and_broken_ones_are_left_out() -> None:
    quokka = lsnim.parse_long(CLIENT % "ready for a NIM operation")["quokka"]
    assert [interface.host for interface in quokka.interfaces] == ["quokka.lab.example", "quokka-b", "quokka-c"]
    assert quokka.interfaces[1] == lsnim.NimInterface("net_b", "quokka-b", "0A0B0C0D0E0F", "ent1")


def test_what_begins_as_the_documented_text_means_ready() -> None:
    assert lsnim.parse_long(CLIENT % "ready for a NIM operation")["quokka"].ready
    assert lsnim.parse_long(CLIENT % "Ready  for something else")["quokka"].ready
    assert not lsnim.parse_long(CLIENT % "ready to be reset")["quokka"].ready
    assert not lsnim.NimObject("x", {}).ready
    assert lsnim.NimObject("x", {}).type == ""


def test_no_such_object() -> None:
    assert lsnim.no_such_object('0042-053 lsnim: there is no NIM object named "x"')
    assert not lsnim.no_such_object(CLIENT)


def test_hosts_of_an_export() -> None:
    export = etc_exports.parse_listing("/images -rw=a,access=a:b.lab:@10.0.0/24:a,root=a::c,sec=krb5,access=d,ro\n")[0]
    assert export.hosts("access") == ("a", "b.lab", "@10.0.0/24", "d")
    assert export.hosts("root") == ("a", "c")
    assert export.hosts("rw") == ("a",)
    assert export.hosts("ro") == ()


def test_an_export_keeps_its_line_byte_for_byte() -> None:
    line = "/images\t -sec=sys,rw,  access=a "
    assert etc_exports.parse_listing(f"{line}\n")[0].text == line


def test_success_is_the_code_and_not_the_program() -> None:
    assert nim.completed("0512-038 savevg: Backup Completed Successfully.\n")
    assert nim.completed("....0512-038 mksysb: Backup Completed Successfully.\n")
    assert not nim.completed("10512-038 savevg: Backup Completed Successfully.\n")
    assert not nim.completed("look for 0512-038\n")
    assert nim.archive_warnings("0512-003 savevg may not have been able to archive some files.")
    assert not nim.archive_warnings("0512-0031")


def test_the_last_space_block_counts() -> None:
    block = "Required = {} (1 MB)    Available = 10 (0 MB)\n"
    assert nim.parse_space(block.format(1024) + block.format(2048)) == nim.Space(2048 * 1024, 10240)


def test_netmasks() -> None:
    assert [prefix_length(mask) for mask in ("0xffffff00", "0xff000000", "255.255.254.0", "0xfffffffff", "x")] == [
        24,
        8,
        23,
        None,
        None,
    ]


def test_first_addresses_leave_out_ipv6_and_macs() -> None:
    table = "en0 1500 link#2 1.2.3.4.5.6 7\nen0 1500 fe80::1 7\nen0 1500 10.1 10.1.1.9 7\nen0 1500 10.1 10.1.1.8"
    assert netstat.first_addresses(netstat.parse(table)) == {"en0": "10.1.1.9"}


def test_interfaces_that_are_down() -> None:
    text = "en0: flags=1e084862,480<BROADCAST,RUNNING>\nen1: flags=1e084863,480<UP,BROADCAST>\n"
    assert [interface.up for interface in ifconfig.parse(text)] == [False, True]


def test_levels_compare_and_print_themselves() -> None:
    assert oslevel.parse("7300-01-02-2320") > oslevel.parse("7200-05-09-2446")
    assert str(oslevel.parse("7200-05-05-2246")) == "7200-05-05-2246"


def test_hosts_in_niminfo() -> None:
    info = niminfo.parse('export NIM_HOSTS=" 127.0.0.1:loopback:localhost  10.0.0.1:q.lab "\n')
    assert info.hosts == (("127.0.0.1", "loopback", "localhost"), ("10.0.0.1", "q.lab"))
    assert (info.name, info.master_hostname, info.hostname) == ("", "", "")
