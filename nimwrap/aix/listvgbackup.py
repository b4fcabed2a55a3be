"""``listvgbackup -f FILE``: the files in an image, read from end to end: the full proof (aix-nim section 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_FILE = re.compile(r"(?:x\s+)?(?:\d+\s+)?(\./.*)")


@dataclass(frozen=True)
class Contents:
    """The paths as listed, relative (``./bosinst.data``)."""

    files: tuple[str, ...]


def argv(path: str) -> list[str]:
    return ["listvgbackup", "-f", path]


def parse(text: str) -> Contents:
    """The listed files; the heading about volumes and dates is passed over."""
    found = tuple(match[1] for line in lines(text) if (match := _FILE.fullmatch(line.lstrip())))
    if not found:
        raise Unrecognised("listvgbackup", text)
    return Contents(found)


def missing_or_empty(text: str) -> bool:
    """True when there is no such image, or nothing in it (0512-054)."""
    return "0512-054" in text
