"""Output that cannot fill the memory: the beginning and the end are kept, what lies between is counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LIMIT = 16 * 1024 * 1024


Sink = Callable[[bytes], None]
"""Takes the bytes that a command writes, as they come; it may block, and what it raises ends the command."""


class Passed:
    """Output that is passed on undecoded and not kept: all that comes after the line ``mark``, where one is given."""

    def __init__(self, sink: Sink, mark: bytes = b"") -> None:
        self._sink = sink
        self._mark = mark
        self._before = b""

    def add(self, data: bytes) -> None:
        if self._mark:
            self._before += data
            at = self._before.find(self._mark)
            end = self._before.find(b"\n", at) + 1 if at >= 0 else 0
            if not end:
                return
            self._before, data, self._mark = self._before[:end], self._before[end:], b""
        if data:
            self._sink(data)

    def text(self) -> str:
        """What came before, with the mark."""
        return self._before.decode("utf-8", "replace")


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
