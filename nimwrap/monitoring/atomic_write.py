"""Files that others read while we write them: they see the old one or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from nimwrap.domain.errors import NimwrapError


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` at ``path`` in one step, with the rights that the umask leaves; NimwrapError when it cannot be."""
    temporary: Path | None = None
    try:
        path = path.resolve()  # a link stays a link, and the file it names is replaced
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        hint = "name a file in a directory that exists and that this user may write to"
        raise NimwrapError(f"{path} cannot be written: {reason}", hint=hint) from error
