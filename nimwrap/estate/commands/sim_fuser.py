"""/usr/sbin/fuser FILE: the processes that have the file open, their numbers on stdout and the name on stderr."""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    for path in (word for word in args if not word.startswith("-")):
        me.err(f"{path}: ")
        try:
            wanted = os.stat(me.path(path))
        except FileNotFoundError:
            me.err("A file or directory in the path name does not exist.\n")
            return 1
        for pid in sorted(_openers(wanted.st_dev, wanted.st_ino)):
            me.out(f" {pid:>8}")
        me.err("\n")
    return 0


def _openers(device: int, inode: int) -> set[int]:
    found = set()
    for process in os.listdir("/proc"):
        if process.isdigit():
            try:
                for name in os.listdir(f"/proc/{process}/fd"):
                    held = os.stat(f"/proc/{process}/fd/{name}")
                    if (held.st_dev, held.st_ino) == (device, inode):
                        found.add(int(process))
            except OSError:
                continue  # it has ended, or is not ours to look at
    return found
