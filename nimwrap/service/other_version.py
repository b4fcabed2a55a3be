"""What a zipapp or a wheel of nimwrap holds, and what changing over to it would mean for the history."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from nimwrap import __version__
from nimwrap.domain.errors import usage_error

_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)
_MIGRATION = re.compile(r'^    "(m\d{3}_\w+)":', re.MULTILINE)
_SCHEMA = re.compile(r"nimwrap/history/sqlite/schema\w*\.py")


@dataclass(frozen=True)
class OtherVersion:
    """``migrations_new``: steps that the history would take; ``migrations_lost``: steps taken that it does not know."""

    path: str
    version: str
    newer: bool
    migrations_new: tuple[str, ...]
    migrations_lost: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the history as it is can be opened by it."""
        return not self.migrations_lost


def read_other(path: Path, known: Collection[str]) -> OtherVersion:
    """What is in the file; ``known`` are the migrations of this nimwrap. Usage error where it is none of nimwrap's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            head = archive.read("nimwrap/__init__.py").decode()
            schema = "\n".join(archive.read(name).decode() for name in names if _SCHEMA.fullmatch(name))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        said = f"{path} is neither a zipapp nor a wheel of nimwrap"
        raise usage_error(said, "scripts/pyz.py makes a zipapp") from error
    found = _VERSION.search(head)
    if found is None:
        raise usage_error(f"{path} does not say which version of nimwrap it is")
    theirs = _MIGRATION.findall(schema)
    return OtherVersion(
        str(path),
        found[1],
        _ordered(found[1]) > _ordered(__version__),
        tuple(name for name in theirs if name not in known),
        tuple(name for name in known if name not in theirs),
    )


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
