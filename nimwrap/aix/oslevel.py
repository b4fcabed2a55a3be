"""``oslevel -s``: the AIX level, comparable (transcripts ``oslevel-s--*``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_LEVEL = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2})-(\d{4}))?")


@dataclass(frozen=True, order=True)
class Level:
    """``7200-05-05-2246`` as numbers; service pack and build are 0 where only the technology level is known."""

    version: int
    technology_level: int
    service_pack: int = 0
    build: int = 0

    @property
    def release(self) -> str:
        """Version and technology level, as in ``oslevel -r``."""
        return f"{self.version:04d}-{self.technology_level:02d}"

    def __str__(self) -> str:
        return f"{self.release}-{self.service_pack:02d}-{self.build:04d}"


def argv() -> list[str]:
    return ["oslevel", "-s"]


def parse(text: str) -> Level:
    """The level, from a line that is nothing but it."""
    for line in lines(text):
        if match := _LEVEL.fullmatch(line.strip()):
            return Level(*(int(part or 0) for part in match.groups()))
    raise Unrecognised("oslevel", text)
