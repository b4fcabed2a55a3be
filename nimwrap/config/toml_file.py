"""One TOML file with the lines of its keys: what the configuration and the schedule files are read from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimwrap.config.lines import KeyPath, key_lines
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem

CODE = "config_invalid"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and the path of the key where it stands."""

    path: KeyPath
    message: str
    hint: str = ""


@dataclass(frozen=True)
class TomlFile:
    """A file that is valid TOML."""

    path: Path
    document: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of the key, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problems(self, faults: Iterable[Fault]) -> list[Problem]:
        """The faults as problems that begin with ``FILE:LINE:``, in the order of the lines."""
        placed = sorted(((self.line(fault.path), fault) for fault in faults), key=lambda pair: pair[0])
        return [Problem(CODE, f"{self.path}:{line}: {fault.message}", fault.hint) for line, fault in placed]


def read_toml(path: Path) -> TomlFile:
    """The file's content; NimwrapError (``config_invalid``, exit 78) when it cannot be read or is no TOML."""
    text = _text_of(path)
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise config_error([_syntax_fault(path, text, str(error))]) from error
    return TomlFile(path, document, key_lines(text))


def is_absent(path: Path) -> bool:
    """Whether there is nothing of that name, not even a link; OSError when this user cannot tell."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    return False


def config_error(problems: Sequence[Problem]) -> NimwrapError:
    """The one error that carries all faults of a configuration."""
    first, *more = problems
    return NimwrapError(first.message, CODE, first.hint, ExitCode.CONFIG, more=more)


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = {
            FileNotFoundError: f"`nimwrap config init --output {path}` writes a commented one",
            PermissionError: "run nimwrap as the user that owns its configuration",
        }.get(type(error), "name a file that can be read with --config")
        raise config_error([Problem(CODE, f"{path}: {error.strerror}", hint)]) from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(CODE, f"{path}:{line}: this byte is not UTF-8: 0x{data[error.start]:02x}", "save it as UTF-8")
        raise config_error([problem]) from error


def _syntax_fault(path: Path, text: str, message: str) -> Problem:
    """tomllib ends its message with the place: "(at line 3, column 5)" or "(at end of document)"."""
    found = re.fullmatch(r"(.*?)(?: \(at line (\d+), column (\d+)\)| \(at end of document\))?", message, re.DOTALL)
    what, line, column = found.groups() if found else (message, None, None)
    place = f" (column {column})" if column else ""
    line = line or len(text.rstrip().splitlines()) or 1
    hint = 'text stands in "double quotes"; `nimwrap config init` prints a whole example'
    return Problem(CODE, f"{path}:{line}: not valid TOML: {what[:1].lower()}{what[1:]}{place}", hint)
