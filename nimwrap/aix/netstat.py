"""``netstat -in``: the addresses of every interface in alias order; ``netstat -rn``: routes (aix-nim section 4);
``netstat -an``: connections."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from nimwrap.aix.addresses import ipv6
from nimwrap.aix.text import Unrecognised, lines

_ROW = re.compile(r"([a-z]+\d+)(\*?)\s+(\d{1,9})\s+(\S.*)")
_LINK = re.compile(r"link#\d+")
_MAC = re.compile(r"[0-9a-f]{1,2}(?:[.:][0-9a-f]{1,2}){5}", re.IGNORECASE)
_ROUTE = re.compile(r"(\S+)\s+(\S+)\s+([A-Za-z0-9]+)\s+\d+\s+\d+\s+([a-z]+\d+)\b(.*)")


_CONNECTION = re.compile(r"^(\d+(?:\.\d+){3})\.(\d+) (\d+(?:\.\d+){3})\.(\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One line of ``netstat -in``. A link row (``link``) has the MAC as ``address``, empty for the loopback.

    ``address`` is a name where netstat was asked without ``-n``.
    """

    interface: str
    mtu: int
    network: str
    address: str
    link: bool = False
    down: bool = False


@dataclass(frozen=True)
class Route:
    """``duplicate`` marks ``=>``: the same destination has a further route on the next line."""

    destination: str
    gateway: str
    flags: str
    interface: str
    duplicate: bool = False


def argv() -> list[str]:
    return ["netstat", "-in"]


def routes_argv() -> list[str]:
    return ["netstat", "-rn"]


def connections_shell(port: int) -> str:
    """Shell text (without quotes of one kind): both ends of each connection that has ``port`` at one of them."""
    return f'netstat -an | awk "/[.]{port} /{{print \\$4,\\$5}}"'


def parse_connections(text: str, peers: Container[str], port: int) -> str:
    """The local address of the only kind of connection to ``port`` of one of ``peers``."""
    found = {match[1] for match in _CONNECTION.finditer(text) if match[3] in peers and int(match[4]) == port}
    if len(found) != 1:
        raise Unrecognised("netstat -an", text)
    return found.pop()


def parse_peers(text: str, port: int) -> frozenset[tuple[str, int]]:
    """Address and port of everybody who is connected to this host's ``port``; empty where nobody is listed."""
    return frozenset((match[3], int(match[4])) for match in _CONNECTION.finditer(text) if int(match[2]) == port)


def _row(line: str) -> Row | None:
    match = _ROW.fullmatch(line)
    if not match:
        return None
    name, down, mtu, words = match[1], bool(match[2]), int(match[3]), match[4].split()
    if _LINK.fullmatch(words[0]):
        mac = words[1] if len(words) > 1 and _MAC.fullmatch(words[1]) else ""
        return Row(name, mtu, words[0], mac, link=True, down=down)
    alone = ipv6(words[0])  # IPv6 rows have no network column
    if alone:
        return Row(name, mtu, "", alone, down=down)
    return Row(name, mtu, words[0], words[1], down=down) if len(words) > 1 else None


def parse(text: str) -> list[Row]:
    """The rows in order, in whatever language the header is. ``lo0*`` is down; a row cut short is passed over."""
    found = [row for line in lines(text) if (row := _row(line.strip()))]
    if not found:
        raise Unrecognised("netstat -in", text)
    return found


def first_addresses(rows: list[Row]) -> dict[str, str]:
    """By interface, the address that stands first: the weak guess at what packets leave with."""
    found: dict[str, str] = {}
    for row in rows:
        if not row.link and ":" not in row.address:
            found.setdefault(row.interface, row.address)
    return found


def parse_routes(text: str) -> list[Route]:
    """The routes of both families in order; headings of any language and the "Z flag" complaint are passed over."""
    found = [
        Route(match[1], match[2], match[3], match[4], match[5].rstrip().endswith("=>"))
        for line in lines(text)
        if (match := _ROUTE.match(line.strip()))
    ]
    if not found:
        raise Unrecognised("netstat -rn", text)
    return found
