"""Shapes of network addresses as AIX prints them."""

from __future__ import annotations

import ipaddress
import re

_ZONE = re.compile(r"%\w+")
_HEX_MASK = re.compile(r"0x[0-9a-fA-F]{1,8}")


def ipv4(text: str) -> str | None:
    """``text`` when it is an IPv4 address, else None."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None


def ipv6(text: str) -> str | None:
    """The IPv6 address without prefix length and AIX's zone (``::1%1/128`` is ``::1``), else None."""
    try:
        return str(ipaddress.IPv6Address(_ZONE.sub("", text.split("/", 1)[0])))
    except ValueError:
        return None


def prefix_length(netmask: str) -> int | None:
    """Bits of a netmask written ``0xffffff00`` or ``255.255.255.0``; None for anything else."""
    if _HEX_MASK.fullmatch(netmask):
        return int(netmask, 16).bit_count()
    return int(ipaddress.IPv4Address(netmask)).bit_count() if ipv4(netmask) else None
