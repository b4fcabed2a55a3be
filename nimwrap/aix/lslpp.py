"""``lslpp -Lqc``: which level of a fileset is installed (transcripts lslpp-cl--*, lslpp-Lqc--*)."""

from __future__ import annotations

import re

from nimwrap.aix.text import Unrecognised, lines

_LEVEL = re.compile(r"\d+(?:\.\d+){1,3}")
_ABSENT = re.compile(r"not installed|0504-132", re.IGNORECASE)


def argv(fileset: str) -> list[str]:
    return ["lslpp", "-Lqc", fileset]


def parse(text: str, fileset: str) -> str | None:
    """The level of ``fileset``, from colon rows; None when lslpp says that it is not installed."""
    for line in lines(text):
        fields = [field.strip() for field in line.split(":")]
        if fileset in fields[:2]:
            level = next((field for field in fields[1:4] if _LEVEL.fullmatch(field)), None)
            if level:
                return level
    if _ABSENT.search(text):
        return None
    raise Unrecognised("lslpp", text)
