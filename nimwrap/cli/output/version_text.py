"""This version beside that of a file: what changing over means."""

from __future__ import annotations

from pathlib import Path

from nimwrap import __version__
from nimwrap.cli.invocation import Result
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.history.sqlite.schema import MIGRATIONS
from nimwrap.service.other_version import OtherVersion, read_other


def compared(path: Path) -> Result:
    """Exit 1 where the history of today could not be opened by what is in the file."""
    other = read_other(path, list(MIGRATIONS))
    code = ExitCode.OK if other.fits else ExitCode.FAILED
    return Result("version", {"version": __version__, "file": other}, code, text=lambda out: _text(out, other))


def _text(out: Printer, other: OtherVersion) -> None:
    order = "newer than" if other.newer else "the same as" if other.version == __version__ else "older than"
    out.line(f"nimwrap {__version__}")
    out.line(f"{other.path}: nimwrap {other.version}, {order} this one")
    if other.migrations_new:
        out.line(f"history: it would be migrated when first opened ({', '.join(other.migrations_new)}), after a copy")
    if other.migrations_lost:
        out.line(f"history: it was made by a newer nimwrap ({', '.join(other.migrations_lost)}), and cannot be opened")
        out.fix("put back the copy history.db.before-NAME that the upgrade named; docs/upgrade.md")
    if not other.migrations_new and not other.migrations_lost:
        out.line("history: it stays as it is")
