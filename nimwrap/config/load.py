"""Finding the configuration file and reading it: either a Config without fault, or every fault with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nimwrap.config.checker import Checker
from nimwrap.config.model import Config
from nimwrap.config.toml_file import TomlFile, config_error, read_toml

SYSTEM_PATH = Path("/etc/nimwrap/nimwrap.toml")


@dataclass(frozen=True)
class Document:
    """A configuration and the file it came from."""

    config: Config
    file: TomlFile


def find_config(explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    """INTERFACE section 5's search order. A named file is returned unseen; None when no default path has one."""
    if explicit is not None:
        return explicit
    if environ.get("NIMWRAP_CONFIG"):
        return Path(environ["NIMWRAP_CONFIG"])
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    own = Path(home) / "nimwrap" / "nimwrap.toml"
    if home.startswith("/") and _exists(own, when_hidden=False):  # HOME may still be that of the user before sudo
        return own
    return SYSTEM_PATH if _exists(SYSTEM_PATH, when_hidden=True) else None


def load(path: Path) -> Config:
    """The configuration in ``path``; NimwrapError (``config_invalid``, exit 78) with all faults."""
    return read(path).config


def read(path: Path) -> Document:
    """As :func:`load`, with the lines of the keys."""
    file = read_toml(Path(path).expanduser().absolute())
    checker = Checker(file.document, file.path)
    config = checker.config()
    if checker.faults:
        raise config_error(file.problems(checker.faults))
    return Document(config, file)


def _exists(path: Path, *, when_hidden: bool) -> bool:
    """Whether the file is there; ``when_hidden`` where a directory on the way may not be entered."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return when_hidden
    return True
