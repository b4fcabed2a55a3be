"""Output that cannot fill the memory: the beginning and the end are kept, what lies between is counted."""

from __future__ import annotations

from collections import deque

LIMIT = 16 * 1024 * 1024


class Bounded:
    """Collects bytes up to ``limit``: the first half of it and the last half, in linear time."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._half = limit // 2
        self._head: list[bytes] = []
        self._room = self._half
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._dropped = 0

    def add(self, data: bytes) -> None:
        if self._room:
            self._head.append(data[: self._room])
            taken = len(self._head[-1])
            self._room -= taken
            data = data[taken:]
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) >= self._half:
                gone = len(self._tail.popleft())
                self._tail_size -= gone
                self._dropped += gone

    def text(self) -> str:
        """Decoded as UTF-8 with replacement; a line in the middle says how many bytes were left out, if any."""
        tail = b"".join(self._tail)
        gap = b"\n[nimwrap: %d bytes left out]\n" % self._dropped if self._dropped else b""
        return (b"".join(self._head) + gap + tail).decode("utf-8", "replace")
