"""``df``: file systems and their room (aix-nim section 5.3; asked as ``-Pk``, ``-k`` and ``-g`` are read as well)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_N = r"(-?\d{1,15}(?:\.\d{1,6})?|-)"
_PERCENT = r"(?:\d{1,4}%|-)"
_POSIX_ROW = re.compile(rf"(\S+)\s+{_N}\s+{_N}\s+{_N}\s+{_PERCENT}\s+(/.*?)\s*")
_AIX_ROW = re.compile(rf"(\S+)\s+{_N}\s+{_N}\s+{_PERCENT}\s+(?:-?\d+|-)\s+{_PERCENT}\s+(/.*?)\s*")
_ALONE = re.compile(r"\S+")
_UNITS = {"1024": 1024, "512": 512, "1M": 1 << 20, "1G": 1 << 30, "MB": 1 << 20, "GB": 1 << 30}
_UNIT = re.compile(r"\b(1024|512|1M|1G)\b|\b(MB|GB) ")


@dataclass(frozen=True)
class Filesystem:
    """Sizes in bytes, None where df prints ``-`` (such as /proc)."""

    device: str
    size_bytes: int | None
    free_bytes: int | None
    mounted_on: str

    @property
    def remote(self) -> bool:
        """True for an NFS mount, ``host:/path``."""
        return ":/" in self.device


def argv(path: str) -> list[str]:
    return ["df", "-Pk", path]


def _bytes(cell: str, unit: int) -> int | None:
    return None if cell == "-" else int(float(cell) * unit) if "." in cell else int(cell) * unit


def _filesystem(line: str, unit: int) -> Filesystem | None:
    if match := _AIX_ROW.fullmatch(line):
        return Filesystem(match[1], _bytes(match[2], unit), _bytes(match[3], unit), match[4])
    if match := _POSIX_ROW.fullmatch(line):
        return Filesystem(match[1], _bytes(match[2], unit), _bytes(match[4], unit), match[5])
    return None


def parse(text: str) -> list[Filesystem]:
    """The rows in order; without a header the numbers are 1024-byte blocks. A long device on its own line is joined."""
    found: list[Filesystem] = []
    unit, before = 1024, ""
    for line in lines(text):
        row = _filesystem(line, unit) or (_filesystem(f"{before}{line}", unit) if before else None)
        if row:
            found.append(row)
        elif not found and (match := _UNIT.search(line)):
            unit = _UNITS[match[1] or match[2]]
        before = line if _ALONE.fullmatch(line) else ""
    if not found:
        raise Unrecognised("df", text)
    return found
