"""``ifconfig -a``: interfaces and their addresses in alias order (aix-nim section 4, transcripts ``ifconfig-a--*``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.addresses import ipv4, ipv6, prefix_length
from nimwrap.aix.text import Unrecognised, lines

_INTERFACE = re.compile(r"([a-z]+\d+[a-z]?|[a-z]+l):\s*(?:flags=([0-9a-fA-F]+)[^<]*<([^>]*)>?.*|\.\.\.)?")
_INET = re.compile(r"\s*inet\s+(\S+)(?:\s+-->\s+\S+)?(?:\s+netmask\s+(\S+))?.*")
_INET6 = re.compile(r"\s*inet6\s+(\S+)(.*)")
_LENGTH = re.compile(r"/(\d{1,3})\s*$")


@dataclass(frozen=True)
class Address:
    """``prefix`` is the length of the netmask in bits, None where none is printed."""

    address: str
    family: int
    prefix: int | None = None


@dataclass(frozen=True)
class Interface:
    """``addresses`` stand in alias order: of a subnet, the kernel sends from the first (APAR IV21533)."""

    name: str
    flags: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()

    @property
    def up(self) -> bool:
        return "UP" in self.flags

    @property
    def ipv4(self) -> tuple[str, ...]:
        return tuple(address.address for address in self.addresses if address.family == 4)


def argv() -> list[str]:
    return ["ifconfig", "-a"]


def _address(line: str) -> Address | None:
    if match := _INET.fullmatch(line):
        found = ipv4(match[1])
        return Address(found, 4, prefix_length(match[2]) if match[2] else None) if found else None
    if match := _INET6.fullmatch(line):
        found = ipv6(match[1]) or ipv6("".join(line.split()[1:]))  # retyped captures part an address by a blank
        length = _LENGTH.search(line)
        return Address(found, 6, int(length[1]) if length else None) if found else None
    return None


def parse(text: str) -> list[Interface]:
    """The interfaces in order. Lost indentation, wrapped flags, ``sit0`` and interfaces without inet are understood."""
    found: list[tuple[str, tuple[str, ...], list[Address]]] = []
    flagged = False
    for line in lines(text):
        header = _INTERFACE.fullmatch(line)
        if header:
            flags = tuple(flag.strip() for flag in (header[3] or "").split(",") if flag.strip())
            flagged = flagged or header[2] is not None
            found.append((header[1], flags, []))
        elif found and (address := _address(line)):
            found[-1][2].append(address)
    if not found or not flagged:
        raise Unrecognised("ifconfig -a", text)
    return [Interface(name, flags, tuple(addresses)) for name, flags, addresses in found]
