"""``cllsif -c``: the cluster's addresses and what each is: boot, service or persistent (powerha section 4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.addresses import ipv4, ipv6
from nimwrap.aix.text import Unrecognised, lines

CLLSIF = "/usr/es/sbin/cluster/utilities/cllsif"

_MOST_FIELDS = 13 + 7  # an IPv6 address has up to seven colons of its own

_WORD = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class ClusterAddress:
    """One label. ``node`` is empty for a service label that no node holds; ``interface`` likewise."""

    name: str
    type: str
    network: str
    node: str
    address: str
    interface: str = ""
    netmask: str = ""


def argv() -> list[str]:
    return [CLLSIF, "-c"]


def _cluster_address(line: str) -> ClusterAddress | None:
    fields = [field.strip() for field in line.split(":")]
    if not 12 <= len(fields) <= _MOST_FIELDS or not all(_WORD.fullmatch(field) for field in fields[:3]):
        return None
    if address := ipv4(fields[6]):
        return ClusterAddress(fields[0], fields[1], fields[2], fields[5], address, fields[8], fields[10])
    for end in range(len(fields) - 5, 8, -1):
        if address := ipv6(":".join(fields[6:end])):
            return ClusterAddress(fields[0], fields[1], fields[2], fields[5], address, fields[end + 1])
    return None


def parse(text: str) -> list[ClusterAddress]:
    """The labels in order, from rows of 12 or 13 fields; ``#`` begins the header."""
    found = [row for line in lines(text) if not line.startswith("#") and (row := _cluster_address(line))]
    if not found:
        raise Unrecognised("cllsif -c", text)
    return found
