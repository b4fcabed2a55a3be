"""``mount``: what is mounted where, and of which type (transcripts ``mount--*``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_OPTIONS = "vers=3,proto=tcp,retry=2,intr"
_ROW = re.compile(r"(\S+)?\s+(\S+)\s+(/\S*)\s+([a-z]\w*)\s+([A-Z][a-z]{2}\s+\d{1,2}\s+\d\d:\d\d)(?:\s+(\S+))?\s*")


@dataclass(frozen=True)
class Mount:
    """``node`` is empty for what is local; ``vfs`` the type, such as ``jfs2`` or ``nfs3``."""

    device: str
    mounted_on: str
    vfs: str
    node: str = ""
    options: tuple[str, ...] = ()


def argv() -> list[str]:
    return ["mount"]


def nfs_argv(source: str, over: str, *, careful: bool = True) -> list[str]:
    """Mounts ``source`` by NFS; ``careful``: as NIM does, but so that it ends by itself when nobody answers.

    AIX's own defaults are a mount that cannot be interrupted, tried a thousand times.
    """
    return ["mount", *(["-o", _OPTIONS] if careful else []), source, over]


def parse(text: str) -> list[Mount]:
    """The rows in order; a row wider than its columns is read like the others."""
    found = [
        Mount(match[2], match[3], match[4], match[1] or "", tuple((match[6] or "").split(",")) if match[6] else ())
        for line in lines(text)
        if (match := _ROW.fullmatch(line))
    ]
    if not found:
        raise Unrecognised("mount", text)
    return found
