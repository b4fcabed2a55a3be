"""Tables without rich: columns side by side, and what a narrow terminal has no room for below its row."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from nimwrap.cli.output.streams import bare

READABLE = 30
"""A last column that would have to be narrower than this stands below its row instead."""

Cells = Sequence[Sequence[str]]


def widths_of(headers: Sequence[str], cells: Cells) -> list[int]:
    return [max(len(bare(cell)) for cell in column) for column in zip_longest(headers, *cells, fillvalue="")]


def too_wide(headers: Sequence[str], cells: Cells, room: int, gap: int) -> bool:
    """Whether the last column would get too little of ``room`` with ``gap`` between columns."""
    *others, last = widths_of(headers, cells)
    return sum(others) + gap * len(others) + min(last, READABLE) > room


def aligned(headers: Sequence[str], cells: Cells) -> Iterator[str]:
    """The heading and one line for each row."""
    widths = widths_of(headers, cells)
    for row in ([header.upper() for header in headers], *cells):
        padded = (cell + " " * (width - len(bare(cell))) for cell, width in zip(row, widths, strict=False))
        yield "  ".join(padded).rstrip()


def stacked(headers: Sequence[str], cells: Cells, room: int) -> Iterator[str]:
    """As :func:`aligned`, with the last columns below each row, as many as it takes; empty ones are left out."""
    beside = len(headers) - 1
    while beside > 1 and sum(widths_of(headers[:beside], cells)[:beside]) + 2 * (beside - 1) > room:
        beside -= 1
    heading, *rows = aligned(headers[:beside], [row[:beside] for row in cells])
    yield heading
    for line, row in zip(rows, cells, strict=True):
        yield line
        for header, cell in zip(headers[beside:], row[beside:], strict=True):
            if bare(cell) != "-":
                text = f"{header}: {bare(cell)}"
                yield from textwrap.wrap(
                    text,
                    room,
                    initial_indent="    ",
                    subsequent_indent="      ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
