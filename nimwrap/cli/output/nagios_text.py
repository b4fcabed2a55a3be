"""The one line that Nagios reads: within its limit of bytes, with perfdata, and never without a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nimwrap.cli.output.streams import clean

if TYPE_CHECKING:
    from nimwrap.cli.invocation import Result

OPTION = "--nagios"
UNKNOWN = 3
LIMIT = 1000
"""Bytes: NRPE and older Nagios cut what is longer than 1 KiB."""
_NAMED = 5
_SHORTEST = 24


def nagios_text(state: str, summary: str, faults: Sequence[str] = (), perf: str = "") -> str:
    """``NIMWRAP STATE - summary; fault; ... | perfdata``: as many faults as have room, and how many more there are."""
    tail = f" | {perf}" if perf else ""
    line = _cut(f"NIMWRAP {state} - {_plain(summary)}", LIMIT - len(tail))
    for number, fault in enumerate(map(_plain, faults)):
        more = f"; and {len(faults) - number} more"
        room = LIMIT - len(tail) - len(line.encode()) - len(more) - len("; ")
        if number == _NAMED or room < _SHORTEST:
            line += more
            break
        line += f"; {_cut(fault, room)}"
    return line + tail


def as_nagios(result: Result) -> Result:
    """A failure of whatever kind as the line that says so, exit 3."""
    line = nagios_text("UNKNOWN", result.errors[0].message if result.errors else "no answer")
    data = {"line": line, "verdict": "unknown"}
    return replace(result, data=data, exit_code=UNKNOWN, text=lambda out: out.line(line))


def _plain(text: str) -> str:
    return clean(" ".join(text.replace("|", "/").split()))


def _cut(text: str, room: int) -> str:
    """At most so many bytes of UTF-8, marked where something is missing."""
    encoded = text.encode()
    return text if len(encoded) <= room else encoded[: room - 3].decode(errors="ignore") + "..."
