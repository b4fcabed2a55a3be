"""Finding the configuration file and reading it: either a Config without fault, or every fault with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nimwrap.config.check import Checker
from nimwrap.config.lines import KeyPath, key_lines
from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem

SYSTEM_PATH = Path("/etc/nimwrap/nimwrap.toml")
CODE = "config_invalid"


@dataclass(frozen=True)
class Document:
    """A configuration and where each of its keys stands."""

    config: Config
    lines: Mapping[KeyPath, int]


def find_config(explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    """INTERFACE section 5's search order. A named file is returned unseen; None when no default path has one."""
    if explicit is not None:
        return explicit
    if environ.get("NIMWRAP_CONFIG"):
        return Path(environ["NIMWRAP_CONFIG"])
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    defaults = [Path(home) / "nimwrap" / "nimwrap.toml"] if home.startswith("/") else []
    return next((path for path in (*defaults, SYSTEM_PATH) if _exists(path)), None)


def load(path: Path) -> Config:
    """The configuration in ``path``; NimwrapError (``config_invalid``, exit 78) with all faults."""
    return read(path).config


def read(path: Path) -> Document:
    """As :func:`load`, with the lines of the keys."""
    path = Path(path).expanduser().absolute()
    text = text_of(path)
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise config_error([syntax_fault(path, str(error))]) from error
    lines = key_lines(text)
    checker = Checker(document, path)
    config = checker.config()
    if checker.faults:
        placed = sorted(((line_of(lines, fault.path), fault) for fault in checker.faults), key=lambda pair: pair[0])
        raise config_error([Problem(CODE, f"{path}:{line}: {fault.message}", fault.hint) for line, fault in placed])
    return Document(config, lines)


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of the key, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def config_error(problems: Sequence[Problem]) -> NimwrapError:
    """The one error that carries all faults of a configuration."""
    first, *more = problems
    return NimwrapError(first.message, CODE, first.hint, ExitCode.CONFIG, more=more)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it will say what is wrong
    return True


def text_of(path: Path) -> str:
    """The text of a TOML file; NimwrapError (``config_invalid``) when it cannot be read or is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = {
            FileNotFoundError: f"`nimwrap config init --output {path}` writes a commented one",
            PermissionError: "run nimwrap as the user that owns its configuration",
        }.get(type(error), "name a file that can be read with --config")
        raise config_error([Problem(CODE, f"{path}: {error.strerror}", hint)]) from error
    try:
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(CODE, f"{path}:{line}: this byte is not UTF-8: 0x{data[error.start]:02x}", "save it as UTF-8")
        raise config_error([problem]) from error


def syntax_fault(path: Path, message: str) -> Problem:
    """The fault of a text that is no TOML; tomllib ends its message with the place, such as "(at line 3, column 5)"."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    hint = 'text stands in "double quotes"; `nimwrap config init` prints a whole example'
    if found is None:
        return Problem(CODE, f"{path}: not valid TOML: {message}", hint)
    what = found[1][:1].lower() + found[1][1:]
    return Problem(CODE, f"{path}:{found[2]}: not valid TOML: {what} (column {found[3]})", hint)
