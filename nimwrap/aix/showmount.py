"""``showmount -e``: what a host exports, seen from outside (aix-nim section 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_HEADING = re.compile(r"export list for (\S+?):", re.IGNORECASE)
_ROW = re.compile(r"(/\S*)\s+(\S.*?)\s*")


@dataclass(frozen=True)
class Shown:
    """One row. ``hosts`` is empty for ``(everyone)``."""

    directory: str
    hosts: tuple[str, ...] = ()


def argv(host: str) -> list[str]:
    return ["showmount", "-e", host]


def parse(text: str) -> list[Shown]:
    """The rows in order; a heading with nothing below it is the true answer "nothing"."""
    rows = [line.strip() for line in lines(text) if line.strip()]
    heading = next((index for index, line in enumerate(rows) if _HEADING.fullmatch(line)), None)
    if heading is None:
        raise Unrecognised("showmount -e", text)
    found = []
    for line in rows[heading + 1 :]:
        match = _ROW.fullmatch(line)
        if not match:
            raise Unrecognised("showmount -e", text)
        hosts = () if match[2] in ("(everyone)", "(anonymous)") else tuple(match[2].replace(",", " ").split())
        found.append(Shown(match[1], hosts))
    return found
