"""What can be wrong with the state directory and its database, in words that say how to mend it."""

from __future__ import annotations

import os
import pwd
import shlex
import sqlite3
import sys
from pathlib import Path

from nimwrap.domain.errors import NimwrapError

# The last is said after many lost races for the WAL.
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


class StoreUnavailable(NimwrapError):  # noqa: N818 -- a state to live with, not always an error
    """The history cannot be read or written now. Whoever undoes or ends something catches this and goes on."""


def _kind(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """True when another connection holds the database, so that waiting may help."""
    return _kind(error) in _BUSY


def unavailable(path: Path, error: sqlite3.Error) -> StoreUnavailable | None:
    """The user's view of a fault of the database file; None for a fault of our own (a wrong statement)."""
    kind = _kind(error)
    if kind in _BUSY:
        return StoreUnavailable(
            f"the history {path} is locked by another process",
            code="history_locked",
            hint=f"see who has it open (fuser {shlex.quote(str(path))}), let it finish, then try again",
        )
    if kind in _DAMAGED:
        return StoreUnavailable(
            f"the history {path} is damaged: {error}",
            code="history_damaged",
            hint=f"move it aside: cd {shlex.quote(str(path.parent))} && mkdir damaged && mv {path.name}* damaged/"
            " ; then `nimwrap recover` finishes what the masters' spools still hold,"
            " and `nimwrap images import` records the images again",
        )
    if kind == sqlite3.SQLITE_FULL:
        return StoreUnavailable(
            f"no space is left for the history {path}",
            code="history_full",
            hint=f"free space on the filesystem of {path.parent}, then run `nimwrap recover`",
        )
    if kind in _UNWRITABLE or kind == sqlite3.SQLITE_IOERR:
        return StoreUnavailable(
            f"the history {path} cannot be used: {error}",
            code="history_unwritable",
            hint=f"check that {path.parent} is writable by {user_name(os.geteuid())} and its filesystem is healthy",
        )
    return None


def row_missing(what: str) -> StoreUnavailable:
    """An end has nothing to be written to: the history was moved aside since the beginning was written."""
    return StoreUnavailable(
        f"the history does not know {what}",
        code="history_row_missing",
        hint="was history.db moved aside or replaced meanwhile? What is on the masters is not affected",
    )


def newer(path: Path, names: set[str]) -> StoreUnavailable:
    """The database was changed by a nimwrap that knows more than this one."""
    return StoreUnavailable(
        f"the history {path} belongs to a newer nimwrap (it has {', '.join(sorted(names))})",
        code="history_newer",
        hint=f"run that newer nimwrap, or go back to a copy made before it: ls {path}.before-*",
    )


def state_dir_fault(directory: Path, error: OSError) -> StoreUnavailable:
    """The state directory cannot be made or entered."""
    return StoreUnavailable(
        f"the state directory {directory} cannot be used: {error.strerror or error}",
        code="history_unwritable",
        hint=f"make it once, as root: install -d -m 700 -o {user_name(os.geteuid())} {directory};"
        " or set state_dir in the configuration",
    )


def user_name(uid: int) -> str:
    """The login name of ``uid``, or ``#UID`` as sudo takes it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def refuse_other_owner(directory: Path) -> None:
    """Raise unless ``directory`` is absent or belongs to this user; the error holds the line to run instead.

    Root is refused as well: files that root leaves there would shut the owner out.
    """
    try:
        owner = directory.stat().st_uid
    except FileNotFoundError:
        return
    except OSError as error:
        raise state_dir_fault(directory, error) from error
    if owner != os.geteuid():
        line = shlex.join(["sudo", "-u", user_name(owner), "nimwrap", *sys.argv[1:]])
        raise StoreUnavailable(
            f"the state directory {directory} belongs to {user_name(owner)}, and you are {user_name(os.geteuid())}",
            code="state_owner",
            hint=f"run: {line}",
        )
