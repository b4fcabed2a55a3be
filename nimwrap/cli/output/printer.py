"""How a Result reaches the user: a table that fits the terminal, or plain columns, one JSON object with --json."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import Any

from nimwrap.cli.output.streams import clean, colour_allowed, out
from nimwrap.cli.output.text_table import table
from nimwrap.domain.durations import rfc3339

_CHUNKS = 4096
_LONG = 10000
_CODES = {"good": "32", "warn": "33", "bad": "31", "dim": "2", "strong": "1", "info": "36"}
_WORDS = {
    **dict.fromkeys(("ok", "ready", "success", "applied", "verified", "yes"), "good"),
    **dict.fromkeys(("warning", "partial", "running", "foreign", "overdue"), "warn"),
    **dict.fromkeys(("failed", "refused", "critical", "error", "locked"), "bad"),
    **dict.fromkeys(("skipped", "held", "unknown", "reverted", "planned", "-"), "dim"),
}


class Printer:
    """What a verb's text is written with. Everything is cleaned of control characters on its way out."""

    def __init__(self, *, colour: bool, terminal: bool) -> None:
        self.colour = colour
        self.terminal = terminal

    def line(self, text: str = "") -> None:
        """One line (or several, when the text has newlines)."""
        out(clean(text, keep_colour=self.colour) + "\n")

    def paint(self, text: str, style: str) -> str:
        """The text in a style (good, warn, bad, dim, strong, info) where this stream shows colours."""
        return f"\x1b[{_CODES[style]}m{clean(text)}\x1b[0m" if self.colour else text

    def word(self, text: str) -> str:
        """An outcome, verdict or state in its own colour; any other word as it is."""
        style = _WORDS.get(text)
        return self.paint(text, style) if style else text

    def fix(self, text: str, *, of: str = "", indent: str = "") -> None:
        """What mends something, of whom; the steps of a long cure stand below one another."""
        first, *steps = text.splitlines() or [""]
        self.line("\n".join([f"{indent}{of and f'{of}: '}fix: {first}", *(f"{indent}  {step}" for step in steps)]))

    def heading(self, text: str) -> None:
        self.line(self.paint(text, "strong"))

    def pairs(self, pairs: Iterable[tuple[str, object]], *, indent: int = 0) -> None:
        """Keys and values below one another; a value of None or "" is left out, further lines are indented."""
        kept = [(key, str(value)) for key, value in pairs if value is not None and value != ""]
        width = max((len(key) for key, _ in kept), default=0) + 1
        margin = " " * (indent + width + 1)
        for key, value in kept:
            label = self.paint(f"{key}:".ljust(width), "dim")
            self.line(f"{' ' * indent}{label} " + value.replace("\n", f"\n{margin}"))

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table, no wider than a terminal; ``-`` for an empty cell."""
        cells = [[_cell(value) for value in row] for row in rows]
        heading, *lines = table(headers, cells, shutil.get_terminal_size().columns if self.terminal else None)
        self.line(self.paint(heading, "strong") if self.terminal else heading)
        for line in lines:
            self.line(line)


def printer(*, colour_wanted: bool) -> Printer:
    """The Printer for this process's stdout."""
    terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return Printer(colour=colour_wanted and colour_allowed(sys.stdout, os.environ), terminal=terminal)


def print_json(document: Mapping[str, Any]) -> None:
    """The one object that ``--json`` puts on stdout: ASCII, which every locale can write and no terminal obeys."""
    import json

    if _is_long(document):
        out(json.dumps(document, default=jsonable) + "\n")
        return
    chunks = json.JSONEncoder(indent=2).iterencode(jsonable(document))
    while part := "".join(islice(chunks, _CHUNKS)):  # a fleet's document is never in memory as one text
        out(part)
    out("\n")


def _is_long(document: Mapping[str, Any]) -> bool:
    """Whether a list in it is so long that nobody reads it indented; in one piece it takes a fifth of the time."""
    data = document.get("data")
    lists = data.values() if isinstance(data, Mapping) else ()
    return any(isinstance(each, list) and len(each) > _LONG for each in lists)


def jsonable(value: Any) -> Any:
    """Records, times, paths and sets as JSON has them; times are RFC 3339 in UTC."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        # half a surrogate pair is no JSON that others can read
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    return _jsonable_whole(value)


def _jsonable_whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(jsonable(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    return str(value)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\n", " ") or "-"
