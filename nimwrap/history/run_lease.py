"""Who owns a run: a lock file that the owning process holds for as long as it lives, and nothing after that."""

from __future__ import annotations

import fcntl
import os
import re
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.history.sqlite.database import private_state_dir

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.!-]{0,120}")
_held: dict[Path, tuple[int, int]] = {}  # path -> (pid, descriptor); closing any descriptor of a file drops its lock
_guard = threading.Lock()


class RunLease:
    """Held from construction to :meth:`release` or to the end of the process, however it ends.

    Raises NimwrapError with code ``locked`` when a living process holds it already. The state directory must not be
    on NFS. A child made by fork does not own it.
    """

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self.run_id = run_id
        self.path = _lock_path(state_dir, run_id)
        private_state_dir(state_dir)
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        with _guard:
            if _held_here(self.path) or (descriptor := _lock(self.path)) is None:
                raise NimwrapError(
                    f"{run_id} is being worked on by another nimwrap",
                    code="locked",
                    hint="wait until it has ended",
                    exit_code=ExitCode.LOCKED,
                )
            _held[self.path] = (os.getpid(), descriptor)

    def release(self) -> None:
        """Give it up and remove the file; a second call does nothing."""
        with _guard:
            if _held_here(self.path):
                _, descriptor = _held.pop(self.path)
                self.path.unlink(missing_ok=True)  # before the lock goes: whoever waits sees that the name moved on
                os.close(descriptor)

    def leave(self) -> None:
        """Give it up and leave the file: what the master holds in this name is known by it as ours."""
        with _guard:
            if _held_here(self.path):
                os.close(_held.pop(self.path)[1])

    def __enter__(self) -> RunLease:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def owner_alive(state_dir: Path, run_id: str) -> bool:
    """True while the process that owns ``run_id`` lives, be it this one."""
    path = _lock_path(state_dir, run_id)
    with _guard:
        if _held_here(path):
            return True
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two askers do not take each other for it
        except BlockingIOError:
            return True
        except PermissionError:  # some systems answer EACCES for a held lock
            return True
        finally:
            os.close(descriptor)
    return False


def remove_stale_leases(state_dir: Path, prefix: str) -> None:
    """Remove the lock files that processes which are gone left behind, of names that begin with ``prefix``."""
    for path in (state_dir.absolute() / "owners").glob(f"{prefix}*.lock"):
        _sweep(path)


def run_locks(state_dir: Path) -> dict[str, datetime]:
    """The runs that have a lock file, held or left behind, and when it was made."""
    found = {}
    for path in sorted((state_dir.absolute() / "owners").glob("[0-9]*T[0-9]*-*.lock")):
        with suppress(FileNotFoundError):
            found[path.name.removesuffix(".lock")] = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return found


def remove_lease(state_dir: Path, run_id: str) -> None:
    """Remove the lock file of a run whose owner is gone; that of a living one stays."""
    _sweep(_lock_path(state_dir, run_id))


def _sweep(path: Path) -> None:
    with _guard:
        if _held_here(path) or (descriptor := _lock(path)) is None:
            return
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock_path(state_dir: Path, run_id: str) -> Path:
    if _NAME.fullmatch(run_id) is None:
        raise ValueError(f"{run_id!r} cannot name a lock")
    return state_dir.absolute() / "owners" / f"{run_id}.lock"


def _held_here(path: Path) -> bool:
    return path in _held and _held[path][0] == os.getpid()


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock of ``path`` as it is named now; None when another process holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass  # released and removed between our open and our lock: the name is free again
        os.close(descriptor)
