"""What of an operation's output is kept: its end, and the lines that decide, wherever they stand."""

from __future__ import annotations

KEPT = 65536
"""Bytes of the end: a wordy program after mksysb must not push out what mksysb said."""
_DECIDES = "0512-0(38|03)|nw_job_(lost|way)="


def kept_output(path: str) -> str:
    """Shell text that prints it; ``path`` is a word for the shell."""
    before = f"[ $(wc -c < {path}) -gt {KEPT} ] && egrep '{_DECIDES}' {path} | tail -n 20"
    return f"{{ {before}; tail -c {KEPT} {path}; }} 2>/dev/null"
