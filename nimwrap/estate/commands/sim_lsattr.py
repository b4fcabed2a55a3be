"""/usr/sbin/lsattr -E -l DEVICE [-a ATTR]: en0's addresses in the ODM; PowerHA's aliases do not stand there."""

from __future__ import annotations

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """``en0`` and ``sys0``; ``-F value`` prints the value alone."""
    words, wanted, bare = _parse(args)
    rows = _sys0(me) if words == "sys0" else _interface(me, words)
    if rows is None:
        me.err(
            "lsattr: 0514-519 The following device was not found in the customized\n"
            f"\tdevice configuration database:\n\t{words}\n"
        )
        return 1
    rows = [row for row in rows if not wanted or row[0] == wanted]
    width = max((len(row[1]) for row in rows), default=0) + 1
    names = max((len(row[0]) for row in rows), default=0) + 1
    for name, value, text in rows:
        me.out(f"{value}\n" if bare else f"{name:<{names}}{value:<{width}}{text:<46} True\n")
    return 0


def _parse(args: list[str]) -> tuple[str, str, bool]:
    device, wanted, bare, rest = "", "", False, list(args)
    while rest:
        word = rest.pop(0)
        letter = word[-1] if word.startswith("-") else ""
        if letter in ("l", "a", "F") and rest:
            value = rest.pop(0)
            device = value if letter == "l" else device
            wanted = value if letter == "a" else wanted
            bare = bare or letter == "F"
    return device, wanted, bare


def _interface(me: Machine, device: str) -> list[tuple[str, str, str]] | None:
    own = [line for line in me.facts["interfaces"] if line[0] == device]
    if not own:
        return None
    alias = next((f"{line[1]},{line[2]}" for line in own if line[3] == "alias"), "")
    return [
        ("alias4", alias, "IPv4 Alias including Subnet Mask"),
        ("arp", "on", "Address Resolution Protocol (ARP)"),
        ("mtu", "1500", "Maximum IP Packet Size for This Device"),
        ("netaddr", own[0][1], "Internet Address"),
        ("netmask", own[0][2], "Subnet Mask"),
        ("state", "up", "Current Interface Status"),
    ]


def _sys0(me: Machine) -> list[tuple[str, str, str]]:
    return [
        ("modelname", "IBM,9009-42A", "Machine name"),
        ("os_uuid", f"{me.facts['machine_id'].lower()}-0000", "N/A"),
        ("realmem", "16777216", "Amount of usable physical memory in Kbytes"),
        ("systemid", "IBM,02" + me.facts["machine_id"][2:9], "Hardware system identifier"),
    ]
