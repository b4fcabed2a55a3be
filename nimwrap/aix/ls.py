"""``ls -l``: sizes of files; AIX has no ``stat`` (transcripts ls-l--*, ls-ltr--mksysb-dir-large-file)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_ENTRY = re.compile(
    r"\s*(?:(?P<inode>\d+)\s+)?(?P<mode>[-dlbcps][-rwxsStTlL]{9}\S?)\s+(?P<links>\d+)\s+\S+\s+\S+\s+"
    r"(?P<size>\d+)\s+(?P<modified>\w+\s+\d+\s+[\d:]+)\s(?P<name>.+)"
)


@dataclass(frozen=True)
class FileEntry:
    """One file. ``name`` is as ls was given it; ``modified`` as it shows the time: to the minute, later to the day.

    ``inode`` is empty where ls was not asked for it.
    """

    name: str
    size_bytes: int
    links: int
    regular: bool
    inode: str = ""
    modified: str = ""


def argv(*paths: str) -> list[str]:
    return ["ls", "-l", *paths]


def identity_argv(*paths: str) -> list[str]:
    """The paths themselves with their inodes, whatever they are; times in UTC, so that they can be compared later."""
    return ["env", "TZ=UTC0", "ls", "-ild", *paths]


def tree_argv(directory: str) -> list[str]:
    """All regular files below ``directory`` with their full paths."""
    return ["find", directory, "-type", "f", "-exec", "ls", "-l", "{}", "+"]


def parse(text: str) -> list[FileEntry]:
    """All entries in the text; complaints about other files and ``total`` lines are passed over.

    Raises Unrecognised when nothing in it is an entry; text of nothing but blanks is an empty directory.
    """
    found = [
        FileEntry(
            name=match["name"].strip(),
            size_bytes=int(match["size"]),
            links=int(match["links"]),
            regular=match["mode"].startswith("-"),
            inode=match["inode"] or "",
            modified=" ".join(match["modified"].split()),
        )
        for line in lines(text)
        if (match := _ENTRY.fullmatch(line))
    ]
    if not found and re.sub(r"total \d+", "", text).strip():
        raise Unrecognised("ls -l", text)
    return found
