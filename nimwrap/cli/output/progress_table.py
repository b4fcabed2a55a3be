"""The live view on a terminal: one line per running client, a bar for the whole, and when it may be done."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from nimwrap.cli.output.progress_lines import PHASES, describe
from nimwrap.cli.output.streams import LossyStream, bare, clean
from nimwrap.cli.output.text_table import columns
from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.progress import Progress
from nimwrap.fleet.fleet_observer import ExpectedEnd, FleetObserver

FORESEE_EVERY_S = 10.0
"""The night is played through for each estimate, which takes a moment where clients are many."""
WIDE = 80
"""Columns from which each client has a bar of its own, and the end a few words."""
_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"
_CUT = "..."
_GAP = 2
_FAILED = (Outcome.FAILED, Outcome.REFUSED, Outcome.LOCKED)
_UTF, _ASCII = "\u2501\u2500", "#-"
"""What bars are drawn with: what is done, what is not."""


class LiveTable(FleetObserver):
    """Rows appear with a client's first step and leave when it is done or waits; the bar counts clients.

    ``expected_end`` says when all will be done.
    """

    def __init__(self, clients: int, *, colour: bool) -> None:
        self._clients = clients
        self._expected_end: ExpectedEnd = lambda: None
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._waiting: set[str] = set()
        self._rows: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._ends, self._foreseen = "", float("-inf")
        file = LossyStream(sys.stderr)  # has of a file what rich asks for
        self._console = Console(file=file, color_system="auto" if colour else None)  # type: ignore[arg-type]
        self._live = Live(self, console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def begins(self, expected_end: ExpectedEnd) -> None:
        self._expected_end = expected_end

    def progresses(self, progress: Progress) -> None:
        with self._lock:
            self._waiting.discard(progress.run)
            if progress.phase in ("done", "again"):
                self._rows.pop(progress.run, None)
                (self._done if progress.phase == "done" else self._waiting).add(progress.run)
                if progress.outcome in _FAILED:
                    self._failed.add(progress.run)
            elif progress.client:
                self._rows[progress.run] = progress
        if progress.phase == "again" or not progress.client:
            self._console.print(Text(clean(describe(progress))))  # stays, above the table

    def _expected(self) -> str:
        """When the fleet may be done, in whole five minutes; nothing while its history says too little."""
        if time.monotonic() - self._foreseen >= FORESEE_EVERY_S:
            ends = self._expected_end()
            self._ends = f"{_rounded(ends):%H:%M}" if ends else ""
            self._foreseen = time.monotonic()
        return self._ends

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Never more lines than the terminal has, nor wider ones: what has no room is counted, or cut."""
        width, height = options.size
        drawn = _UTF if options.encoding.startswith("utf") else _ASCII
        with self._lock:
            rows = list(self._rows.values())
        room = max(1, height - 3)  # the line of the whole, that of those not shown, and the cursor's
        yield from _lines([_cells(row, width, drawn) for row in rows[:room]], width)
        if len(rows) > room:
            yield Text(f"and {len(rows) - room} more", "dim")
        if self._clients > 1:
            yield self._whole(width, drawn)

    def _whole(self, width: int, drawn: str) -> Text:
        """How many have ended and how many of them failed, are looked at, are at work, wait; what has room of it."""
        with self._lock:
            phases = Counter(progress.phase for progress in self._rows.values())
            ended, again = len(self._done), len(self._waiting)
        looking = phases["preflight"]
        working = phases.total() - looking - phases["waiting"]
        waiting = max(0, self._clients - ended - again - looking - working)
        ends = self._expected()
        cells = [
            f"{ended} of {self._clients} clients",
            _bar(ended / self._clients, min(40, width // 5), drawn),
            _painted(f"{len(self._failed)} failed" if self._failed else "", _RED),
            (f"done at about {ends}" if width >= WIDE else f"~ {ends}") if ends else "",
            _painted(f"{again} to be tried again" if again else "", _YELLOW),
            f"{working} at work" if working else "",
            f"{waiting} waiting" if waiting else "",
            f"{looking} being checked" if looking else "",
        ]
        return _lines([_fitting([cell for cell in cells if cell], width)], width)[0]


def _fitting(cells: list[str], width: int) -> list[str]:
    """The first cells that have room beside each other, each whole."""
    kept, used = list[str](), -_GAP
    for cell in cells:
        used += _GAP + len(bare(cell))
        if used > width and kept:
            break
        kept.append(cell)
    return kept


def _cells(row: Progress, width: int, drawn: str) -> list[str]:
    """What a line says of a client; what matters least stands last, where it is cut first."""
    name, longest = clean(row.client), max(12, width // 4)
    known = row.percent is not None
    return [
        _painted(name if len(name) <= longest else f"{name[: longest - 1]}~", _BOLD),
        PHASES.get(row.phase, row.phase),
        _bar((row.percent or 0) / 100, min(24, width // 8), drawn) if known and width >= WIDE else "",
        f"{row.percent}%" if known else "",
        format_size(row.size_bytes) if row.size_bytes else "",
        format_duration(row.elapsed_s),
        _painted(clean(row.note).replace("\n", " "), _YELLOW),
    ]


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if text else ""


def _bar(share: float, width: int, drawn: str) -> str:
    filled = min(width, int(width * share))
    return _painted(drawn[0] * filled, _GREEN) + _painted(drawn[1] * (width - filled), _DIM)


def _lines(rows: list[list[str]], width: int) -> list[Text]:
    """One line for each row, cut to ``width`` between words."""
    lines = [Text.from_ansi(line, no_wrap=True) for line in columns(rows)]
    for line in lines:
        if line.cell_len > width:
            line.truncate(max(1, line.plain.rfind(" ", 0, width - len(_CUT) + 1)))
            line.rstrip()
            line.append(_CUT)
            line.truncate(width)
    return lines


def _rounded(moment: datetime) -> datetime:
    """Up to the next full five minutes, in this machine's zone: nobody knows it better."""
    local = moment.astimezone() + timedelta(minutes=5)
    return local - timedelta(minutes=local.minute % 5, seconds=local.second, microseconds=local.microsecond)
