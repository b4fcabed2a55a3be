"""Values that must never be shown, and references to them: ``file:PATH`` and ``credential:NAME``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


class Secret:
    """A value that is read when it is needed and prints as its reference, never as itself."""

    __slots__ = ("_reference",)

    def __init__(self, reference: str = "") -> None:
        self._reference = reference

    def reveal(self) -> str:
        """The value, without the line end of a file; NimwrapError (exit 78) when it cannot be read."""
        path = referenced_file(self._reference)
        if path is None:
            return self._reference
        try:
            return path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NimwrapError(
                f"the secret {self._reference} cannot be read: {getattr(error, 'strerror', None) or 'not text'}",
                code="config_invalid",
                hint=f"let the user that runs nimwrap read {path}",
                exit_code=ExitCode.CONFIG,
            ) from error

    def __str__(self) -> str:
        scheme = self._reference.partition(":")[0]
        return self._reference if scheme in ("file", "credential", "") else f"{scheme}://***"

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __bool__(self) -> bool:
        return bool(self._reference)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)


def is_credential_name(name: str) -> bool:
    """True for a name that cannot leave the credentials directory."""
    return _NAME.fullmatch(name) is not None and ".." not in name


def referenced_file(text: str) -> Path | None:
    """The file that ``file:PATH`` or ``credential:NAME`` points at; None when the text is no reference.

    systemd puts credentials into ``$CREDENTIALS_DIRECTORY``; NimwrapError (exit 78) when it is not set.
    """
    kind, _, rest = text.partition(":")
    if kind == "file":
        return Path(rest).expanduser()
    if kind != "credential":
        return None
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory or not is_credential_name(rest):
        raise NimwrapError(
            f"the credential {rest!r} is not there: this process was not started by systemd with LoadCredential=",
            code="config_invalid",
            hint=f"start it by its unit, or write file:PATH instead of credential:{rest}",
            exit_code=ExitCode.CONFIG,
        )
    return Path(directory) / rest
