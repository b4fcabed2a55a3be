"""``host``: names and addresses as the resolver gives them (transcript ``host--forward-and-reverse``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.addresses import ipv4, ipv6
from nimwrap.aix.text import Unrecognised, lines

_IS = re.compile(r"(\S+) is ([^,]*(?:,\s*[^\s:,]+(?=,|$))*)(?:,\s*Aliases:\s*(.*))?\s*", re.IGNORECASE)
_HAS = re.compile(r"(\S+) has (?:IPv6 )?address (\S+)\s*")
_ALIAS = re.compile(r"(\S+) is an alias for (\S+?)\.?\s*")
_POINTER = re.compile(r"(\S+)\.(in-addr|ip6)\.arpa domain name pointer (\S+?)\.?\s*")
_NOT_FOUND = re.compile(r"0827-80\d|does not exist|cannot find|not found|unknown host|NXDOMAIN", re.IGNORECASE)


@dataclass(frozen=True)
class HostAnswer:
    """``name`` is the canonical name, also for a question by address; ``aliases`` its other names."""

    name: str
    addresses: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


def argv(name_or_address: str) -> list[str]:
    return ["host", name_or_address]


def _pointed_address(labels: str, family: str) -> str | None:
    parts = labels.split(".")[::-1]
    if family == "in-addr":
        return ipv4(".".join(parts))
    digits = "".join(parts)
    return ipv6(":".join(digits[i : i + 4] for i in range(0, len(digits), 4)))


def _collect(line: str, names: list[str], addresses: list[str], aliases: list[str]) -> None:
    """Add what this line says to the three lists; lines of another kind add nothing."""
    if match := _ALIAS.fullmatch(line):
        aliases.append(match[1])
        names.append(match[2])
    elif match := _POINTER.fullmatch(line):
        names.append(match[3])
        addresses.append(_pointed_address(match[1], match[2]) or "")
    elif match := _HAS.fullmatch(line):
        names.append(match[1])
        addresses.append(ipv4(match[2]) or ipv6(match[2]) or "")
    elif match := _IS.fullmatch(line):
        found = [ipv4(word) or ipv6(word) for word in match[2].replace(",", " ").split()]
        if found and all(found):
            names.append(match[1])
            addresses.extend(address for address in found if address)
            aliases.extend((match[3] or "").replace(",", " ").split())


def parse(text: str) -> HostAnswer:
    """The answer for one question, by name or by address; AIX prints ``NAME is ADDRESS`` for both."""
    names: list[str] = []
    addresses: list[str] = []
    aliases: list[str] = []
    for line in lines(text):
        _collect(line.strip(), names, addresses, aliases)
    addresses = list(dict.fromkeys(address for address in addresses if address))
    if not names or not addresses:
        raise Unrecognised("host", text)
    name = names[-1]
    others = dict.fromkeys([*names, *aliases])
    others.pop(name)
    return HostAnswer(name, tuple(addresses), tuple(others))


def not_found(text: str) -> bool:
    """True when the resolver said that there is no such name or address."""
    return _NOT_FOUND.search(text) is not None
