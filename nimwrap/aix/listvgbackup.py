"""``listvgbackup -f FILE``: reads an image from end to end and lists its files (aix-nim section 8)."""

from __future__ import annotations


def argv(path: str) -> list[str]:
    return ["listvgbackup", "-f", path]
