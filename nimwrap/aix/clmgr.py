"""``clmgr query``: attributes of the cluster as ``ATTR="value"`` (powerha section 4.2)."""

from __future__ import annotations

import re

from nimwrap.aix.text import Unrecognised

CLMGR = "/usr/es/sbin/cluster/utilities/clmgr"

_PAIR = re.compile(r'(?<![\w"])([A-Z][A-Z0-9_]*)=\s*"((?:[^"\\]|\\.)*)"')


def argv(class_: str, name: str | None = None) -> list[str]:
    """The full word ``query``: abbreviations must not be used in scripts (powerha section 4.1)."""
    return [CLMGR, "query", class_, *([name] if name else [])]


def parse(text: str) -> dict[str, str]:
    """The attributes; of one that stands several times (STATE does) the first. A value may contain ``=``."""
    found: dict[str, str] = {}
    for name, value in _PAIR.findall(text):
        found.setdefault(name, value)
    if not found:
        raise Unrecognised("clmgr query", text)
    return found
