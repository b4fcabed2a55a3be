"""``lspv``: the disks and whose they are (transcripts ``lspv--*``; ``caavg_private`` is the cluster's, powerha 9)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_DISK = re.compile(r"((?:hdisk|hdiskpower|vpath|cldisk)\w+)\s+([0-9a-f]{16,32}|none)\s+(\S+)(?:\s+(\S+))?\s*")


@dataclass(frozen=True)
class Disk:
    """``pvid`` and ``volume_group`` are empty for ``none`` and ``None``; ``state`` where lspv prints none."""

    name: str
    pvid: str = ""
    volume_group: str = ""
    state: str = ""


def argv() -> list[str]:
    return ["lspv"]


def parse(text: str) -> list[Disk]:
    """The disks in order."""
    found = [
        Disk(match[1], "" if match[2] == "none" else match[2], "" if match[3] == "None" else match[3], match[4] or "")
        for line in lines(text)
        if (match := _DISK.fullmatch(line))
    ]
    if not found:
        raise Unrecognised("lspv", text)
    return found
