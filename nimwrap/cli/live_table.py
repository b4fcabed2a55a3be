"""The live view on a terminal: one line per running client, a bar for the whole."""

from __future__ import annotations

import threading

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.progress import Progress


class LiveTable:
    """Rows appear with a client's first step and leave when it is done; the bar counts clients."""

    def __init__(self, clients: int) -> None:
        self._clients = clients
        self._done = 0
        self._rows: dict[str, Progress] = {}
        self._lock = threading.Lock()
        console = Console(stderr=True)
        self._live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self._render)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def tell(self, progress: Progress) -> None:
        with self._lock:
            if progress.phase == "done":
                self._rows.pop(progress.run, None)
                self._done += 1
            elif progress.client:
                self._rows[progress.run] = progress

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
        bar = ProgressBar(total=self._clients, completed=self._done)
        whole.add_row(f"{self._done} of {self._clients} clients", bar)
        return Group(table, whole)
