"""The one way that rows become lines: columns side by side; what a narrow terminal has no room for goes below."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from nimwrap.cli.output.streams import bare

READABLE = 30
"""A last column that would have to be narrower than this stands below its row instead."""
GAP = "  "

Cells = Sequence[Sequence[str]]


def table(headers: Sequence[str], cells: Cells, room: int | None = None) -> Iterator[str]:
    """The heading and the rows, at most ``room`` columns wide; None: as wide as they are."""
    *others, last = widths_of([headers, *cells])
    left = (room or 0) - sum(others) - len(GAP) * len(others)
    if room is None or last <= left:
        yield from columns([_heading(headers), *cells])
    elif left >= READABLE:
        yield from _folded(headers, cells, left)
    else:
        yield from _stacked(headers, cells, room)


def columns(rows: Cells) -> Iterator[str]:
    """One line for each row; a column that is empty in all of them is left out."""
    widths = widths_of(rows)
    for row in rows:
        padded = (cell + " " * (wide - len(bare(cell))) for cell, wide in zip(row, widths, strict=False) if wide)
        yield GAP.join(padded).rstrip()


def widths_of(rows: Cells) -> list[int]:
    """The width of each column, without colours."""
    return [max(len(bare(cell)) for cell in column) for column in zip_longest(*rows, fillvalue="")]


def _heading(headers: Sequence[str]) -> list[str]:
    return [header.upper() for header in headers]


def _folded(headers: Sequence[str], cells: Cells, left: int) -> Iterator[str]:
    """The last column goes on below itself, in ``left`` columns."""
    rows: list[list[str]] = [_heading(headers)]
    for *others, last in cells:
        first, *more = textwrap.wrap(bare(last), left) if len(bare(last)) > left else [last]
        rows.append([*others, first])
        rows += [[*("" for _ in others), line] for line in more]
    yield from columns(rows)


def _stacked(headers: Sequence[str], cells: Cells, room: int) -> Iterator[str]:
    """The last columns stand below each row, as many as it takes; empty ones are left out."""
    widths = widths_of([headers, *cells])
    beside = len(headers) - 1
    while beside > 1 and sum(widths[:beside]) + len(GAP) * (beside - 1) > room:
        beside -= 1
    heading, *lines = columns([_heading(headers[:beside]), *(row[:beside] for row in cells)])
    yield heading
    for line, row in zip(lines, cells, strict=True):
        yield line
        for header, cell in zip(headers[beside:], row[beside:], strict=True):
            if bare(cell) != "-":
                yield from textwrap.wrap(
                    f"{header}: {bare(cell)}",
                    room,
                    initial_indent="    ",
                    subsequent_indent="      ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
