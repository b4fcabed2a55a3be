"""NFS exports as ``exportfs``, ``/etc/xtab`` and ``/etc/exports`` write them (aix-nim section 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

HOST_LISTS = ("access", "root", "rw", "ro")

_LINE = re.compile(r"(/\S*)(?:[ \t]+(\S.*?))?[ \t]*")
_NOTHING = re.compile(r"(?:exportfs:\s*)?(?:\d{4}-\d{3}\s+)?nothing exported\.?", re.IGNORECASE)
_WRAPPED = re.compile(r"[\w.:@/=,*-]+")


@dataclass(frozen=True)
class ExportEntry:
    """One export. ``options`` as written, without the leading dash; ``text`` is the line byte for byte."""

    directory: str
    options: str = ""
    text: str = ""

    def hosts(self, option: str) -> tuple[str, ...]:
        """The hosts of ``access``, ``root``, ``rw`` or ``ro``, in order, each once; empty when it names none."""
        named = [
            host
            for part in self.options.split(",")
            if part.strip().startswith(f"{option}=")
            for host in part.strip().removeprefix(f"{option}=").split(":")
            if host
        ]
        return tuple(dict.fromkeys(named))

    @property
    def read_only(self) -> bool:
        """True where an option keeps somebody from writing: widening the entry could not let a client write."""
        return any(option.partition("=")[0].strip() == "ro" for option in self.options.split(","))


def _export(line: str) -> ExportEntry | None:
    match = _LINE.fullmatch(line)
    if not match:
        return None
    return ExportEntry(match[1], (match[2] or "").removeprefix("-"), line)


def parse_listing(text: str) -> list[ExportEntry]:
    """What is exported now. An empty text is the true answer "nothing": the caller looks at the exit status."""
    found = []
    for line in lines(text):
        if not line.strip() or _NOTHING.fullmatch(line.strip()):
            continue
        export = _export(line)
        if export is None:
            raise Unrecognised("exportfs", text)
        found.append(export)
    return found


def _joined(before: str, after: str, *, cut: bool) -> str:
    """An entry and what follows it. ``cut``: by a display, which cuts in the middle of a word and does not indent."""
    separators = (",", ":", "=")
    has_options = " " in before or "\t" in before
    whole = before.endswith(separators) or after.startswith(separators) or (cut and has_options)
    return before + after if whole else f"{before} {after}"


def parse_file(text: str) -> list[ExportEntry]:
    """The entries of ``/etc/exports``, comments left out, continued and wrapped lines joined. May be empty.

    A line is part of the entry before it when that one ends in a backslash, or when it is a single word and no
    directory. A joined entry's ``text`` is the logical line. A line that cannot be an entry raises Unrecognised.
    """
    logical: list[str] = []
    open_line = False
    for line in lines(text):
        body = line.removesuffix("\\").strip()
        if not open_line and (not line.strip() or body.startswith("#")):
            continue
        if not open_line and body.startswith("/"):
            logical.append(body)
        elif open_line or (logical and _WRAPPED.fullmatch(body)):
            logical[-1] = _joined(logical[-1], body, cut=not open_line and line[:1] == body[:1])
        else:
            raise Unrecognised("/etc/exports", text)
        open_line = line.endswith("\\")
    found = [_export(line) for line in logical]
    if None in found:
        raise Unrecognised("/etc/exports", text)
    return [export for export in found if export]
