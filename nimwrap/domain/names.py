"""Which names may reach a host, and how images and resources are called."""

from __future__ import annotations

import re
from datetime import UTC, datetime

PLAIN_KIND = "mksysb"
"""The kind of image that is meant where none is named."""
NIM_NAME_LIMIT = 39
_NIM_NAME = re.compile(r"[A-Za-z0-9_!-]{1,39}")  # reference peers section 2.6: letters, digits, - ! _; no dot
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?")
_ADDRESS = re.compile(r"(\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")
_PATH = re.compile(r"(/[A-Za-z0-9_!.,+=@-]+)+/?")


def is_nim_name(name: str) -> bool:
    """True for a name NIM accepts: 1 to 39 letters, digits, ``-``, ``!``, ``_``; not option-like."""
    return _NIM_NAME.fullmatch(name) is not None and not name.startswith("-")


def is_host_name(name: str) -> bool:
    """True for a host name or dotted address that is safe as an argument and in an export list."""
    return _HOST_NAME.fullmatch(name) is not None and ".." not in name


def is_address(text: str) -> bool:
    """True for something shaped like an IPv4 or IPv6 address."""
    return _ADDRESS.fullmatch(text) is not None


def is_safe_path(path: str) -> bool:
    """True for an absolute path of plain characters without ``.`` or ``..`` steps or empty ones."""
    return _PATH.fullmatch(path) is not None and not {".", ".."} & set(path.split("/"))


def dated_name(client: str, moment: datetime) -> str:
    """``{client}_{YYYYMMDD}_{HHMMSS}`` in UTC; over 39 characters the client part is cut and a hash added."""
    stamp = moment.astimezone(UTC).strftime("_%Y%m%d_%H%M%S")
    room = NIM_NAME_LIMIT - len(stamp)
    if len(client) > room:
        client = _cut(client, room)
    return client + stamp


def fixed_name(client: str) -> str:
    """``{client}_mksysb``; cut and hashed like :func:`dated_name`."""
    room = NIM_NAME_LIMIT - len("_mksysb")
    if len(client) > room:
        client = _cut(client, room)
    return f"{client}_mksysb"


def _cut(client: str, room: int) -> str:
    """The client's name in ``room`` characters, told apart from its like by a hash of the whole."""
    import hashlib

    return f"{client[: room - 7]}_{hashlib.sha256(client.encode()).hexdigest()[:6]}"
