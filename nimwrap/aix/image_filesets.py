"""``lsmksysb -L -f FILE``: the filesets in an image, in the layout of ``lslpp -L`` (aix-nim section 8)."""

from __future__ import annotations

import re

_ROW = re.compile(r"\s*(?P<name>[A-Za-z][\w+-]*(?:\.[\w+-]+)+)[\s:]+(?P<level>\d+(?:\.\d+){3})(?:[\s:]|$)")


def argv(path: str) -> list[str]:
    return ["lsmksysb", "-L", "-f", path]


def parse(text: str) -> dict[str, str]:
    """The level of each fileset; empty where the tool does not tell any."""
    return {match["name"]: match["level"] for line in text.splitlines() if (match := _ROW.match(line))}
