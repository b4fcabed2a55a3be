"""Messages of AIX commands, with wrapped lines joined and repeats removed (aix-nim sections 1 and 6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nimwrap.aix.text import lines

_WARNING = r"(?:warning:\s*)*"
_CODE_FIRST = re.compile(rf"{_WARNING}(\d{{4}}-\d{{3,4}})(?:\s+([\w./-]+)\s?:)?\s*:?\s*(.*)")
_CODE_LATER = re.compile(rf"{_WARNING}([\w./-]+):\s+{_WARNING}(\d{{4}}-\d{{3,4}})\s+(.*)")
_CODE_INSIDE = re.compile(r"\S+\s+(?=(?:warning:\s*)*0042-\d{3}\s)")
_NO_CODE = re.compile(r"((?:/[\w./-]+|[a-z_][\w.-]*)(?:\[\d+\])?):\s+(\S.*)")
_NOT_A_MESSAGE = re.compile(r"(?:(?:nw_)?rc=-?\d+|\d+ of \d+ files\b.*|[-+=.\s]*|\*\* Use lsnim.*)")
_PROGRESS = re.compile(r"^\d+ of \d+ files[^\n]*\n", re.MULTILINE)
_SENTENCE_END = re.compile(r"[^\s.]\.$")
_MOST_CONTINUATIONS = 8

WRAPPERS = frozenset({"0042-001", "0042-175", "1831-008"})
"""Codes that only announce the next message (section 6.1 and 6.2)."""

GOOD_NEWS = frozenset({"0512-038", "1831-187"})


@dataclass(frozen=True)
class AixMessage:
    """One message. ``code`` is empty for a program's plain complaint, ``program`` where none is named."""

    code: str
    program: str
    text: str

    def __str__(self) -> str:
        head = " ".join(part for part in (self.code, f"{self.program}:" if self.program else "") if part)
        return f"{head} {self.text}".strip()


def _begin(line: str) -> AixMessage | None:
    """The message that begins on this line, None when the line goes on with the one before or is something else."""
    line = line.strip()
    if match := _CODE_FIRST.fullmatch(line):
        return AixMessage(match[1], match[2] or "", match[3].strip())
    if match := _CODE_LATER.fullmatch(line):
        return AixMessage(match[2], match[1], match[3].strip())
    if match := _CODE_INSIDE.match(line):  # a transcript with something pasted in front of the message
        return _begin(line[match.end() :])
    if match := _NO_CODE.fullmatch(line):
        return AixMessage("", match[1], match[2].strip())
    return None


def _goes_on(begun: AixMessage, previous: list[str], line: str) -> bool:
    """Whether ``line`` continues a message: it is indented, or the text so far is no finished sentence."""
    if len(previous) > _MOST_CONTINUATIONS or _NOT_A_MESSAGE.fullmatch(line.strip()):
        return False
    unfinished = begun.code not in GOOD_NEWS and _SENTENCE_END.search(previous[-1]) is None
    return unfinished or line.startswith(("  ", "\t"))


def _walk(text: str) -> Iterator[AixMessage | str]:
    """Messages, and between them the plain lines that belong to none, in order."""
    begun: AixMessage | None = None
    parts: list[str] = []
    for line in [*lines(text), ""]:
        fresh = _begin(line)
        if fresh is None and begun and _goes_on(begun, parts, line):
            parts.append(" ".join(line.split()))
            continue
        if begun:
            yield AixMessage(begun.code, begun.program, " ".join(part for part in parts if part))
        begun, parts = fresh, [fresh.text] if fresh else []
        if fresh is None and not _NOT_A_MESSAGE.fullmatch(line.strip()):
            yield " ".join(line.split())


def without_progress(text: str) -> str:
    """``text`` without mksysb's thousands of progress lines, which say nothing about a failure."""
    return _PROGRESS.sub("", text)


def messages(text: str) -> list[AixMessage]:
    """Every different message once, in the order of first appearance. Other output (progress, rc=) is left out."""
    return list(dict.fromkeys(item for item in _walk(text) if isinstance(item, AixMessage)))


def _only_announces(message: AixMessage) -> bool:
    """True for a code that leaves the cause to the next message, unless its own text goes on to name one."""
    if message.code not in WRAPPERS:
        return False
    return message.code == "1831-008" or message.text.rstrip(",").endswith(":")


def headline(text: str) -> str:
    """The one message that matters first: the first that does not merely announce another and is no good news.

    Without one, the plain line that follows the announcement; else the last line there is. Empty only for empty text.
    """
    announced: AixMessage | None = None
    last_plain = ""
    for item in _walk(text):
        if isinstance(item, str):
            if announced:
                return f"{announced} {item}"
            last_plain = item
        elif _only_announces(item):
            announced = item
        elif item.code not in GOOD_NEWS:
            return str(item)
    return str(announced) if announced else last_plain or " ".join(text.split())[:200]
