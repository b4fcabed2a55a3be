"""The names in images as they are kept in the state directory: for whoever asks again, without a master."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import translate
from pathlib import Path
from re import compile as regex
from typing import TYPE_CHECKING

from nimwrap.domain.target_names import is_glob

if TYPE_CHECKING:
    from nimwrap.history.model import ImageRow

KEPT_LISTS = 40


def matching(names: Sequence[str], pattern: str | None) -> Sequence[str]:
    """Those that a glob means, with or without the dot they begin with; a plain path means itself and what is below."""
    if pattern is None:
        return names
    wanted = pattern.removeprefix(".")
    if is_glob(pattern):
        fits = regex(translate(wanted)).match
        return [name for name in names if fits(name.removeprefix("."))]
    below = wanted.rstrip("/") + "/"
    return [name for name in names if (path := name.removeprefix(".")) == wanted or path.startswith(below)]


def kept_list(directory: Path, row: ImageRow) -> list[str] | None:
    """What is kept, if it is of this very image; anything that cannot be read is no list."""
    try:
        first, _, rest = gzip.decompress(_path(directory, row).read_bytes()).decode().partition("\n")
    except (OSError, EOFError, ValueError):
        return None
    return rest.split("\n") if first == _mark(row) else None


def keep_list(directory: Path, row: ImageRow, names: Sequence[str]) -> None:
    """Keep a list, and not too many of them. One that cannot be written is read again the next time."""
    path = _path(directory, row)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_bytes(gzip.compress("\n".join([_mark(row), *names]).encode("utf-8", "replace"), 1))
        draft.replace(path)
        oldest_last = sorted(path.parent.glob("*.gz"), key=lambda each: each.stat().st_mtime, reverse=True)
        for each in oldest_last[KEPT_LISTS:]:
            each.unlink(missing_ok=True)


def _path(directory: Path, row: ImageRow) -> Path:
    return directory / f"{row.id}.gz"


def _mark(row: ImageRow) -> str:
    """By what a list is known to be of exactly this image."""
    return f"{row.location} {row.size_bytes} {row.cksum}"
