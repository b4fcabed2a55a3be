"""The one family of errors that a user is meant to see."""

from __future__ import annotations

from dataclasses import dataclass, field

from nimwrap.domain.codes import ExitCode, FailureCode


@dataclass(frozen=True)
class Problem:
    """One entry of ``errors[]`` or ``warnings[]`` in the JSON envelope."""

    code: str
    message: str
    hint: str = ""
    client: str | None = None


@dataclass
class NimwrapError(Exception):
    """Something the user can act on: what is wrong, where, and how to mend it.

    ``code`` is stable (a failure code, ``usage`` or ``config_invalid``); ``more`` carries further problems
    found in the same pass, so that all faults are reported at once.
    """

    message: str
    code: str = "unknown"
    hint: str = ""
    exit_code: ExitCode = ExitCode.FAILED
    client: str | None = None
    more: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        return self.message

    @property
    def problems(self) -> list[Problem]:
        """This error and those found with it, in order."""
        return [Problem(self.code, self.message, self.hint, self.client), *self.more]


def master_unreachable(message: str, hint: str = "") -> NimwrapError:
    """The master cannot be asked, or the line to it was cut: exit 12; it may pass."""
    return NimwrapError(message, code=FailureCode.MASTER_UNREACHABLE, hint=hint, exit_code=ExitCode.MASTER)


def usage_error(message: str, hint: str = "") -> NimwrapError:
    """A wrong call: exit 2, code ``usage``."""
    return NimwrapError(message, code="usage", hint=hint, exit_code=ExitCode.USAGE)
