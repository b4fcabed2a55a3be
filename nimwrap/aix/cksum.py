"""``cksum``: whether a file still is what it was (transcript cksum--mksysb)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised

_LINE = re.compile(r"^(\d+) (\d+) (.+?)\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Checksum:
    """``text`` is what the history keeps: the CRC and the number of bytes it was taken over."""

    crc: int
    size_bytes: int

    @property
    def text(self) -> str:
        return f"{self.crc} {self.size_bytes}"


def argv(path: str) -> list[str]:
    return ["cksum", path]


def parse(text: str) -> Checksum:
    match = _LINE.search(text)
    if match is None:
        raise Unrecognised("cksum", text)
    return Checksum(int(match[1]), int(match[2]))
