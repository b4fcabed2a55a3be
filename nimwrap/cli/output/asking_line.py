"""One line on a terminal while many clients are asked: how many have been, and for how long; nothing anywhere else."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from nimwrap.cli.output.progress_lines import redraws
from nimwrap.cli.output.streams import err
from nimwrap.domain.durations import format_duration

if TYPE_CHECKING:
    from nimwrap.cli.invocation import Invocation

EVERY_S = 1.0
"""Whoever has answered by then needs no line."""
_AWAY = "\r\x1b[K"


@contextmanager
def asking_line(invocation: Invocation) -> Iterator[Callable[[int, int], None]]:
    """What is called within the block with how many have been asked, of how many; the line is gone after it."""
    if invocation.quiet or invocation.json or sys.stderr is None or not redraws(invocation):
        yield lambda asked, of: None
        return
    counted = (0, 0)

    def count(asked: int, of: int) -> None:
        nonlocal counted
        counted = asked, of

    done, began = Event(), time.monotonic()

    def draw() -> None:
        while not done.wait(EVERY_S):
            width = shutil.get_terminal_size().columns
            err(_AWAY + asking_text(*counted, time.monotonic() - began)[: width - 1])

    drawing = Thread(target=draw, daemon=True)
    drawing.start()
    try:
        yield count
    finally:
        done.set()
        drawing.join()
        if time.monotonic() - began >= EVERY_S:
            err(_AWAY)


def asking_text(asked: int, of: int, elapsed_s: float) -> str:
    """``3 of 240 clients asked, 14s``; before it is known who is meant, what goes on."""
    how_many = f"{asked} of {of} clients asked" if of else "asking the masters for their clients"
    return f"{how_many}, {format_duration(elapsed_s)}"
