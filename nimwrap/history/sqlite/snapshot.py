"""A copy of ``history.db`` as one compressed file, whole at one moment, and such a file made the history again."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from nimwrap.domain.errors import NimwrapError
from nimwrap.history.sqlite import schema
from nimwrap.history.sqlite.connection import applied_migrations
from nimwrap.history.sqlite.database import private_state_dir

_BLOCK = 1024 * 1024


@contextmanager
def compressed_snapshot(database: Path) -> Iterator[Path]:
    """The history as it is now, in a file that goes with the block; writers are not kept waiting."""
    plain = database.with_name(f"{database.name}.snapshot-{os.getpid()}")
    packed = plain.with_name(f"{plain.name}.gz")
    try:
        uri = database.absolute().as_uri() + "?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as source, closing(sqlite3.connect(plain)) as target:
            source.backup(target, pages=4096)
        plain.chmod(0o600)
        with plain.open("rb") as unpacked, gzip.open(packed, "wb", compresslevel=6) as file:
            shutil.copyfileobj(unpacked, file, _BLOCK)
        packed.chmod(0o600)
        yield packed
    finally:
        for path in (plain, packed):
            path.unlink(missing_ok=True)


def install_snapshot(packed: Path, database: Path) -> None:
    """Make a compressed copy the history, in place of one that nobody needs. Nothing is changed when it is broken."""
    private_state_dir(database.parent)
    draft = database.with_name(f"{database.name}.restored-{os.getpid()}")
    try:
        with gzip.open(packed, "rb") as file, draft.open("wb") as unpacked:
            shutil.copyfileobj(file, unpacked, _BLOCK)
        draft.chmod(0o600)
        _check(draft)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                database.with_name(database.name + suffix).unlink()
        draft.replace(database)
    except (OSError, EOFError, sqlite3.Error) as error:
        raise NimwrapError(f"the copy of the history cannot be used: {error}", hint="take an older one") from error
    finally:
        draft.unlink(missing_ok=True)


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
        said = connection.execute("pragma quick_check(1)").fetchone()[0]
        migrations = applied_migrations(connection)
    if said != "ok":
        raise NimwrapError(f"the copy of the history is damaged: {said}", hint="take an older one")
    if not migrations or migrations - set(schema.MIGRATIONS):
        raise NimwrapError(
            "the copy is no history of this nimwrap or an older one", hint="run the nimwrap that made it"
        )
