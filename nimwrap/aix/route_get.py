"""AIX ``route get``: the route that the kernel takes, and the interface's address that goes with it."""

from __future__ import annotations

import re

from nimwrap.aix.text import Unrecognised

_ADDRESS = re.compile(r"^\s*interf addr:\s*(\d{1,3}(?:\.\d{1,3}){3})\s*$", re.MULTILINE)


def argv(master_name: str) -> list[str]:
    """Numbers, not names."""
    return ["/usr/sbin/route", "-n", "get", master_name]


def parse(text: str) -> str:
    """The address of ``interf addr``; a route through the loopback leads nowhere."""
    found = _ADDRESS.search(text)
    if found is None or found[1].startswith("127."):
        raise Unrecognised("route get", text)
    return found[1]
