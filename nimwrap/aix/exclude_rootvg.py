"""/etc/exclude.rootvg: each line is a pattern of egrep that drops every path ``./...`` it matches (section 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

FILE = "/etc/exclude.rootvg"
MOST = 100
"""Lines that are read: longer files are mostly made by a program."""

_USUAL = (
    "./admin/tmp/x",
    "./etc/tmp/x",
    "./etc/security/x",
    "./home/user/x",
    "./opt/freeware/x",
    "./tmp/x",
    "./usr/bin/x",
    "./usr/lib/x",
    "./usr/local/x",
    "./usr/sbin/x",
    "./usr/tmp/x",
    "./var/adm/ras/x",
    "./var/log/x",
    "./var/spool/x",
    "./var/tmp/x",
)
"""A file in each directory that every AIX has, to see what a pattern takes."""


def script() -> str:
    """Says ``present`` and the lines, each behind a ``=`` so that an empty one is seen; or ``absent``."""
    return f"if [ -f {FILE} ]; then echo present; head -n {MOST} {FILE} | sed 's/.*/=&/'; else echo absent; fi"


@dataclass(frozen=True)
class ExcludeFile:
    """``patterns``: its lines as they stand, an empty one among them; None where there is no file."""

    patterns: tuple[str, ...] | None

    @property
    def unanchored(self) -> tuple[str, ...]:
        """Those that match in the middle of a path too, so more than whoever wrote them may think."""
        return tuple(pattern for pattern in self.patterns or () if not pattern.startswith("^"))


def parse(text: str) -> ExcludeFile:
    """The answer of :func:`script`."""
    word, *rest = [line.strip() for line in lines(text.rstrip("\n"))] or [""]
    if word not in ("present", "absent"):
        raise Unrecognised(f"test -f {FILE}", text)
    found = tuple(line[1:] for line in rest if line.startswith("="))
    return ExcludeFile(found if word == "present" else None)


def dropped(pattern: str, mounts: Iterable[str] = ()) -> tuple[str, ...]:
    """Directories below which ``pattern`` drops files: of those that every AIX has, and of ``mounts``.

    Empty where it takes none of them, or is no pattern that can be read here.
    """
    try:
        words = re.compile(pattern)
    except re.error:
        return ()
    usual = [*_USUAL, *(f".{mount.rstrip('/')}/x" for mount in mounts if mount.startswith("/") and mount != "/")]
    return tuple(dict.fromkeys(path[:-1] for path in usual if words.search(path)))
