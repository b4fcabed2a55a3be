"""AIX ``traceroute``: says which source address the kernel chose before it sends anything (aix-nim section 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised

_SOURCE = re.compile(r"source should be (\d{1,3}(?:\.\d{1,3}){3})(?!\S)")
_ROUTE = re.compile(r"traceroute to (\S+) \((\d{1,3}(?:\.\d{1,3}){3})\) from (\d{1,3}(?:\.\d{1,3}){3})(?!\d)")


@dataclass(frozen=True)
class TracedRoute:
    """``source`` is the address packets leave with; ``destination`` what the client resolved, None if not printed."""

    source: str
    destination: str | None = None


def argv(master_name: str) -> list[str]:
    """One probe, one hop: only the header lines are wanted. Merge stderr, the stream they go to is not documented."""
    return ["traceroute", "-n", "-m", "1", "-q", "1", "-w", "1", master_name]


def parse(text: str) -> TracedRoute:
    """The source address from either of the two header lines."""
    source, route = _SOURCE.search(text), _ROUTE.search(text)
    if route:
        return TracedRoute(source[1] if source else route[3], route[2])
    if source:
        return TracedRoute(source[1])
    raise Unrecognised("traceroute", text)
