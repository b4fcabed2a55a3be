"""``restore -T``: reads a backup image from end to end and lists what is in it (aix-nim section 8)."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from nimwrap.aix import listvgbackup
from nimwrap.aix.text import Unrecognised

_COUNT = re.compile(r"^nw_files=(\d+)\r?$", re.MULTILINE)
_STATUS = re.compile(r"^nw_rc=(\d+)\r?$", re.MULTILINE)
_COUNTER = """awk '/^x?[ ]*\\.?\\// { n++; next } { print } END { print "nw_files=" n + 0 }'"""


@dataclass(frozen=True)
class FullRead:
    """``says``: what was printed beside file names; ``returncode`` 127 where no tool can read it."""

    returncode: int
    files: int
    says: str

    @property
    def available(self) -> bool:
        return self.returncode != 127


def argv(path: str) -> list[str]:
    """``-q``: never ask for the first volume; without input a further volume cannot be asked for either."""
    return ["restore", "-Tqf", path]


def shell(path: str) -> str:
    """Reads the image and counts its names on the host, so that a hundred thousand lines do not travel.

    Where ``restore`` is missing, ``listvgbackup`` reads it, which goes through the same archive.
    """
    instead = shlex.join(listvgbackup.argv(path))
    return (
        f"( {shlex.join(argv(path))} </dev/null; nw_rc=$?; "
        f"if [ $nw_rc -eq 127 ]; then {instead} </dev/null; nw_rc=$?; fi; echo nw_rc=$nw_rc ) 2>&1 | {_COUNTER}"
    )


def parse(text: str) -> FullRead:
    count, status = _COUNT.search(text), _STATUS.search(text)
    if count is None or status is None:
        raise Unrecognised("restore -T", text)
    says = _STATUS.sub("", _COUNT.sub("", text)).strip()
    return FullRead(int(status[1]), int(count[1]), says)
