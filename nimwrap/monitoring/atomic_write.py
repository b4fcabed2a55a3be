"""Files that others read while we write them: they see the old one or the new one, never half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nimwrap.domain.errors import NimwrapError


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` at ``path`` in one step, readable by everybody; NimwrapError when that is not possible."""
    temporary = ""
    try:
        path = path.resolve()  # a link stays a link, and the file it names is replaced
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        hint = "name a file in a directory that exists and that this user may write to"
        raise NimwrapError(f"{path} cannot be written: {reason}", hint=hint) from error
