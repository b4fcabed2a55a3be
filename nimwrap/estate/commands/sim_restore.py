"""/usr/sbin/restore: -T lists a whole image (and so finds damage), without it files are extracted.

A cut image makes it ask for the next volume, as IBM's flash on incomplete images says (reference peers section 2.6).
"""

from __future__ import annotations

import os
import sys

from nimwrap.estate.commands.sim_lsmksysb import file_names
from nimwrap.estate.image import DamagedError, Header, check_whole, read_header
from nimwrap.estate.machine import Machine


def changes(_command: str, args: list[str]) -> bool:
    """Extraction writes into the current directory."""
    return not any("T" in word for word in args if word.startswith("-"))


def main(me: Machine, args: list[str]) -> int:
    """``-Tqf FILE`` / ``-xqf FILE NAME...`` / ``-qf FILE NAME...``."""
    file, letters, names = _parse(me, args)
    try:
        with open(me.path(file), "rb") as image:
            if "T" in letters:
                me.out("".join(f"{name}\n" for name in file_names(check_whole(image))))
                return 0
            return _extract(me, read_header(image), names)
    except OSError:
        me.err(f"restore: 0511-123 Cannot open {file}: A file or directory in the path name does not exist.\n")
        return 1
    except DamagedError as damage:
        if damage.truncated:
            return _next_volume(me, file)
        me.err(f"restore: {file}: the archive is damaged: {damage}.\n")
        return 1


def _parse(me: Machine, args: list[str]) -> tuple[str, str, list[str]]:
    file, letters, names, rest = "/dev/rmt0", "", [], list(args)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            letters += word[1:]
            if "f" in word:
                file = word[word.index("f") + 1 :] or (rest.pop(0) if rest else "")
        else:
            names.append(word)
    if not file.startswith("/"):
        file = me.paths.outward(os.path.join(os.getcwd(), file))
    return file, letters, names


def _extract(me: Machine, header: Header, names: list[str]) -> int:
    known = file_names(header)
    for name in names or known:
        if name not in known:
            continue
        target = os.path.join(os.getcwd(), name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as out:
            out.write(_content(name, header))
        me.out(f"x {name}\n")
    return 0


def _content(name: str, header: Header) -> str:
    if name == "./bosinst.data":
        return "control_flow:\n    CONSOLE = Default\n    INSTALL_METHOD = overwrite\n    PROMPT = yes\n"
    return f"# {name} of {header.node}, {header.date}\n"


def _next_volume(me: Machine, file: str) -> int:
    me.err(f"Mount volume 2 on {file}.\n\tPress the Enter key to continue.\n")
    sys.stdin.readline()
    me.err("restore: There is no volume 2.\n")
    return 1
