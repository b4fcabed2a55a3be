"""The id of this installation, made once in its state directory: what lies in a spool is ours when it bears it.

No host name and no process number says that: containers and second users share both.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from nimwrap.domain.errors import NimwrapError
from nimwrap.history.sqlite.database import private_state_dir

_ID = re.compile(r"[0-9a-f]{32}")


def installation_id(state_dir: Path) -> str:
    """The id, made at the first call. NimwrapError when its file cannot be written or holds anything else."""
    path = state_dir / "installation"
    private_state_dir(state_dir)
    try:
        if not path.exists():
            _make(path)
        text = path.read_text(errors="replace").strip()
    except OSError as error:
        raise NimwrapError(f"{path}: {error.strerror}", hint="see its permissions and the free space there") from error
    if _ID.fullmatch(text) is None:
        raise NimwrapError(
            f"{path} does not hold the id of an installation",
            hint="restore it; without it (rm) a new id is made, and what lies in the masters' spools is another's: "
            "nimwrap recover --foreign RUN",
        )
    return text


def adopt_installation(state_dir: Path, installation: str) -> None:
    """Be the installation that a history was of, when it was brought back into an empty state directory."""
    if _ID.fullmatch(installation) is None:
        raise NimwrapError("the copy of the history names no installation")
    path = state_dir / "installation"
    draft = path.with_name(f".installation.{secrets.token_hex(8)}")
    draft.write_text(f"{installation}\n")
    draft.chmod(0o600)
    draft.replace(path)


def _make(path: Path) -> None:
    """Whole or not at all, and by one of several processes only."""
    draft = path.with_name(f".installation.{secrets.token_hex(8)}")
    with draft.open("x") as file:
        file.write(f"{secrets.token_hex(16)}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o600)
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
