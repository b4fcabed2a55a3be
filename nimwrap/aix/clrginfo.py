"""``clRGinfo -s``: where each resource group is and in which state (powerha section 4.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

CLRGINFO = "/usr/es/sbin/cluster/utilities/clRGinfo"

_WORD = re.compile(r"[\w.-]+")
_STATE = re.compile(r"[A-Z][A-Z_ ]*[A-Z]")


@dataclass(frozen=True)
class GroupState:
    """One group on one node. A ``state`` that is not known stays as printed: it is not OFFLINE."""

    group: str
    state: str
    node: str
    kind: str = ""
    startup: str = ""
    fallover: str = ""
    fallback: str = ""


def argv() -> list[str]:
    return [CLRGINFO, "-s"]


def parse(text: str) -> list[GroupState]:
    """The rows in order. Only the first seven fields are read: odd bytes may follow (powerha section 4.3)."""
    found = []
    for line in lines(text):
        fields = [field.strip() for field in line.split(":")]
        if len(fields) < 7 or line.startswith(("#", "clRGinfo")):
            continue
        if _WORD.fullmatch(fields[0]) and _STATE.fullmatch(fields[1]) and _WORD.fullmatch(fields[2]):
            found.append(GroupState(*fields[:7]))
    if not found:
        raise Unrecognised("clRGinfo -s", text)
    return found
