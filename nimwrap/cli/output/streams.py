"""Writing to stdout and stderr so that no name, byte, closed pipe or full disk hurts the program or the terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import TextIOBase
from threading import Lock
from typing import TextIO

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,8}m")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
    # Marks that turn the direction of writing, or end a line or a paragraph: text of a host could show another order
    # or another line than it has.
    r"|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def colour_allowed(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """True when this stream is a terminal that shows colours and nobody asked for none (NO_COLOR, TERM=dumb)."""
    if stream is None or environ.get("NO_COLOR") or environ.get("TERM", "dumb") == "dumb":
        return False
    return stream.isatty()


def someone_watches() -> bool:
    """True when a terminal is at one end of this process at least: a timer's or another program's call has none."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return any(stream is not None and not stream.closed and stream.isatty() for stream in streams)


def clean(text: str, *, keep_colour: bool = False) -> str:
    """The text with control characters, marks of direction and undecodable bytes made visible; newlines and tabs stay.

    Text from a host may hold terminal escapes. ``keep_colour`` lets colour sequences through and nothing else.
    """
    if keep_colour:
        parts = _COLOUR.split(text)
        kept = [*_COLOUR.findall(text), ""]
        return "".join(clean(part) + code for part, code in zip(parts, kept, strict=True))
    return _CONTROL.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100 or 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code & 0xFF:02x}"
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"


def bare(text: str) -> str:
    """The text without colour sequences: what its width is counted from."""
    return _COLOUR.sub("", text)


def put(stream: TextIO | None, text: str) -> None:
    """Write and flush. A reader who has gone away (``| head``) is no error: the rest goes nowhere.

    Raises OSError where it cannot be written; then nothing of it is kept, and the next text is tried anew.
    """
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        put(stream, text.encode(encoding, "backslashreplace").decode(encoding))
    except BrokenPipeError:
        _silence(stream)
    except OSError:
        _let_go(stream)
        raise


def reader_gone() -> bool:
    """True when whoever read stdout has gone away; what is still to be written then goes nowhere."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        return True
    return False


def settle() -> None:
    """Let go of what others left unwritten: the interpreter would try it once more at exit, and end with 120."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                _let_go(stream)


def keep_places() -> None:
    """Open /dev/null where a standard stream is closed: else the next file would take its number, and its output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


_letting_go = Lock()


def _let_go(stream: TextIO) -> None:
    """Empty the stream's buffers into nothing, and leave its descriptor as it was."""
    with _letting_go, suppress(OSError):
        before = os.dup(stream.fileno())
        try:
            _silence(stream)
            stream.flush()
        finally:
            os.dup2(before, stream.fileno())
            os.close(before)


def _silence(stream: TextIO) -> None:
    """Point the stream's descriptor at nothing, so that the interpreter's own flush at exit is quiet too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def out(text: str) -> None:
    """To stdout: results, nothing else. Raises OSError when it cannot be written: somebody asked for it."""
    put(sys.stdout, text)


def err(text: str) -> None:
    """To stderr: messages, progress, logs. What cannot be written is let go: the end of a log ends no backup."""
    with suppress(OSError):
        put(sys.stderr, text)


class LossyStream(TextIOBase):
    """A stream as :func:`err` writes to it, for a library that wants a file of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute, io a property
        return self._stream.encoding

    def write(self, text: str) -> int:
        with suppress(OSError):
            put(self._stream, text)
        return len(text)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
