"""``ps -ef``: what runs. STIME may be two words (``Mar 08``), so the row is read around TIME (transcript ps-ef)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from nimwrap.aix.text import Unrecognised, lines

_ROW = re.compile(r"\s*(\S+)\s+(\d{1,12})\s+(\d{1,12})\s+\d+\s+.*?\s(\d+(?:-\d+)?:\d\d(?::\d\d)?)\s+(\S.*)")
_HEADER = re.compile(r"\s*UID\s+PID\s+PPID\b")
_INTERPRETER = re.compile(r"(?:sh|ksh|ksh93|bsh|psh|bash|perl|python)[\d.]*")
_INLINE = re.compile(r"-\w*[ce]")


@dataclass(frozen=True)
class Process:
    """``command`` is the command line as shown; ``line`` the whole row."""

    pid: int
    parent: int
    command: str
    line: str

    @cached_property  # every client of a fleet looks through the same processes
    def program(self) -> str:
        """The program's own name: of a script, the script's, and not that of the interpreter which reads it."""
        return _program_at(self.command.split())[0]

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """What follows the program's name, as far as blanks tell."""
        words = self.command.split()
        return tuple(words[_program_at(words)[1] + 1 :])


def _program_at(words: list[str]) -> tuple[str, int]:
    """The program's name and where among the words it stands."""
    first = _base(words[0]) if words else ""
    if _INTERPRETER.fullmatch(first):
        for place, word in enumerate(words[1:], 1):
            if not word.startswith("-"):
                return _base(word), place
            if _INLINE.match(word):
                break
    return first, 0


def argv() -> list[str]:
    return ["ps", "-ef"]


def _base(word: str) -> str:
    return word.rpartition("/")[2].lstrip("-")


def parse(text: str) -> list[Process]:
    """The processes in order; rows cut short are passed over. Text with neither rows nor header is not ``ps``."""
    found = []
    header = False
    for line in lines(text):
        if match := _ROW.fullmatch(line):
            found.append(Process(int(match[2]), int(match[3]), match[5].rstrip(), line.strip()))
        header = header or _HEADER.match(line) is not None
    if not found and not header:
        raise Unrecognised("ps -ef", text)
    return found
