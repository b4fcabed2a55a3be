"""/etc/exclude.rootvg: each line is a pattern of egrep that drops every path ``./...`` it matches (section 2.2)."""

from __future__ import annotations

import re
import shlex
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


def is_anchored(pattern: str) -> bool:
    """Whether a pattern begins at the root and leaves the system itself in the image: one line of plain characters."""
    if not pattern.startswith("^./") or not pattern.isprintable() or not pattern.isascii():
        return False
    try:
        words = re.compile(pattern)
    except re.error:
        return False
    return not any(words.search(path) for path in _NEVER)


_NEVER = ("./bosinst.data", "./etc/passwd", "./usr/bin/ls", "./usr/lib/libc.a", "./usr/sbin/init", "./unix")
"""What no image can be without."""


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


def drift(wanted: Iterable[str], found: ExcludeFile) -> str:
    """How the file differs from what is wanted, for a person; empty where it does not."""
    if found.patterns is None:
        return "there is no such file"
    missing = [pattern for pattern in wanted if pattern not in found.patterns]
    besides = [pattern for pattern in found.patterns if pattern not in set(wanted)]
    told = [("it lacks", missing), ("it has besides", besides)]
    return "; ".join(f"{how} {', '.join(map(repr, which))}" for how, which in told if which)


CHANGED = 3
"""Status of the scripts below where the file is not what it was when it was looked at."""


def write_script(seen: ExcludeFile, patterns: Iterable[str], kept: str) -> str:
    """Client script: the file holds ``patterns``; what stood there is kept at ``kept``, with its owner and mode."""
    lines_of_it = "\n".join(patterns)
    return f"""\
umask 022
{_unless_seen(seen)}
[ ! -e {kept} ] || exit 1
if [ -f {FILE} ]; then cp -p {FILE} {kept} && cp -p {FILE} {FILE}.nimwrap || exit 1; fi
cat > {FILE}.nimwrap <<'NIMWRAP_EXCLUDE' || exit 1
{lines_of_it}
NIMWRAP_EXCLUDE
mv -f {FILE}.nimwrap {FILE} || exit 1
{script()}"""


def restore_script(written: ExcludeFile, kept: str) -> str:
    """Client script: what was kept stands in its place again; without ``kept`` there was no file, and is none."""
    back = f"[ -f {kept} ] || exit 1\nmv -f {kept} {FILE} || exit 1" if kept else f"rm -f {FILE} || exit 1"
    return f"{_unless_seen(written)}\n{back}\n{script()}"


def _unless_seen(seen: ExcludeFile) -> str:
    """Shell text that gives up where somebody has changed the file since."""
    now = "absent" if seen.patterns is None else "\n".join(["present", *(f"={line}" for line in seen.patterns)])
    return f'[ "$({script()})" = {shlex.quote(now)} ] || exit {CHANGED}'
