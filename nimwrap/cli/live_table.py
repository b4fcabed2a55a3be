"""The live view on a terminal: one line per running client, a bar for the whole, and when it may be done."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.progress import Progress

if TYPE_CHECKING:
    from nimwrap.fleet.desk import Desk


FORESEE_EVERY_S = 10.0
"""The night is played through for each estimate, which takes a moment where clients are many."""


class LiveTable:
    """Rows appear with a client's first step and leave when it is done or waits; the bar counts clients.

    ``desk.foresee`` says when all will be done.
    """

    def __init__(self, clients: int, desk: Desk) -> None:
        self._clients, self._desk = clients, desk
        self._done: set[str] = set()
        self._waiting: set[str] = set()
        self._rows: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._ends, self._foreseen = "", float("-inf")
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True, get_renderable=self._render)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def tell(self, progress: Progress) -> None:
        from nimwrap.cli.live import describe

        with self._lock:
            self._waiting.discard(progress.run)
            if progress.phase in ("done", "again"):
                self._rows.pop(progress.run, None)
                (self._done if progress.phase == "done" else self._waiting).add(progress.run)
            elif progress.client:
                self._rows[progress.run] = progress
        if progress.phase == "again":
            self._console.print(Text(describe(progress)))  # stays, above the table

    def _expected(self) -> str:
        """When the fleet may be done, in whole five minutes; nothing while its history says too little."""
        if time.monotonic() - self._foreseen >= FORESEE_EVERY_S:
            ends = self._desk.foresee()
            self._ends = f"done at about {_rounded(ends):%H:%M}" if ends else ""
            self._foreseen = time.monotonic()
        return self._ends

    def _render(self) -> RenderableType:
        from nimwrap.cli.live import PHASES

        table = Table.grid(padding=(0, 2))
        with self._lock:
            rows = list(self._rows.values())
        for row in rows:
            table.add_row(
                Text(row.client, style="bold"),
                Text(PHASES.get(row.phase, row.phase)),
                ProgressBar(total=100, completed=row.percent or 0, width=24) if row.percent is not None else Text(""),
                Text(f"{row.percent}%" if row.percent is not None else ""),
                Text(format_size(row.size_bytes) if row.size_bytes else ""),
                Text(format_duration(row.elapsed_s)),
                Text(row.note, style="yellow"),
            )
        if self._clients == 1:
            return table
        whole = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self._clients, completed=len(self._done), width=40)
        again = f"{len(self._waiting)} to be tried again" if self._waiting else ""
        whole.add_row(f"{len(self._done)} of {self._clients} clients", bar, Text(again, "yellow"), self._expected())
        return Group(table, whole)


def _rounded(moment: datetime) -> datetime:
    """Up to the next full five minutes, in this machine's zone: nobody knows it better."""
    local = moment.astimezone() + timedelta(minutes=5)
    return local - timedelta(minutes=local.minute % 5, seconds=local.second, microseconds=local.microsecond)
