"""What a master exports, beside what the journal says that it should: exports of ours without a row, NIM's own lines.

Nothing is changed. What belongs to an operation that lies in the spool, or to a client that is being worked on, is left
out: it goes by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nimwrap.aix import etc_exports, exportfs
from nimwrap.aix.etc_exports import ExportEntry
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.left_export import LeftExport
from nimwrap.domain.records import ChangeState
from nimwrap.history.model import ChangeRow
from nimwrap.history.ports import Queries

_FAILED, _FILE, _SPOOL, _END = "nw exports failed", "nw exports file", "nw spool", "nw exports end"
_STAGING = "/.nimwrap/"
_NEWEST = 500


@dataclass(frozen=True)
class ExportsSeen:
    """``in_force`` as exportfs lists it, ``standing`` as /etc/exports has it, ``rooms``: the names in the spool."""

    in_force: tuple[ExportEntry, ...]
    standing: tuple[ExportEntry, ...]
    rooms: frozenset[str]


def exports_script(spool: str) -> str:
    """Shell text that tells what :func:`read_exports` reads."""
    return f"""\
{shlex.join(exportfs.list_argv())} || echo '{_FAILED}'
echo '{_FILE}'
[ ! -f /etc/exports ] || cat /etc/exports
echo '{_SPOOL}'
ls {shlex.quote(spool)} {shlex.quote(spool)}/locks 2>/dev/null
echo '{_END}'
"""


def read_exports(text: str) -> ExportsSeen | None:
    """What stands on the master; None when that was not told to its end, or cannot be understood."""
    listing, file, rest = text.partition(f"{_FILE}\n")
    standing, spool, names = rest.partition(f"{_SPOOL}\n")
    if not (file and spool and _END in names) or listing.strip() == _FAILED:
        return None
    listing = listing.replace(f"{_FAILED}\n", "")  # nothing exported is an error to some levels
    try:
        in_force = etc_exports.parse_listing(listing) if listing.strip() else []
        return ExportsSeen(tuple(in_force), tuple(etc_exports.parse_file(standing)), frozenset(names.split()))
    except Unrecognised:
        return None


@dataclass(frozen=True)
class ExportRows:
    """The newest row of the journal about each directory of a master, and the client of its run."""

    newest: Mapping[str, tuple[ChangeRow, str]]

    @classmethod
    def of(cls, queries: Queries, master: str) -> ExportRows:
        rows = [row for row in queries.changes(limit=_NEWEST) if row.master == master]
        clients = {run.id: run.client for run in queries.runs_by_id(list({row.run for row in rows}))}
        return cls({row.directory: (row, clients.get(row.run, "")) for row in reversed(rows)})


def left_exports(seen: ExportsSeen, rows: ExportRows, hosts: Mapping[str, str]) -> list[LeftExport]:
    """What stands there without a reason. ``hosts``: client by the name that NIM calls it by."""
    return [*_ours(seen, rows), *_still_admitting(seen, rows, hosts), *_of_nim(seen, rows, hosts)]


def _ours(seen: ExportsSeen, rows: ExportRows) -> Iterator[LeftExport]:
    """Staging directories, which only nimwrap exports, each for the time of one operation."""
    for entry in seen.in_force:
        _, ours, run = entry.directory.partition(_STAGING)
        row = rows.newest.get(entry.directory)
        known = row is not None and row[0].state != ChangeState.REVERTED
        if ours and not known and run.partition("/")[0] not in seen.rooms:
            yield LeftExport(
                entry.directory,
                entry.text,
                f"{entry.directory} is exported, and neither an operation nor the journal knows of it",
                f"exportfs -u {entry.directory}",
            )


def _still_admitting(seen: ExportsSeen, rows: ExportRows, hosts: Mapping[str, str]) -> Iterator[LeftExport]:
    """What the journal calls undone, and still lets in an address that only nimwrap had added."""
    for entry in seen.in_force:
        row, client = rows.newest.get(entry.directory, (None, ""))
        if row is None or row.state != ChangeState.REVERTED or client in seen.rooms or row.run in seen.rooms:
            continue
        before = ExportEntry(entry.directory, row.before or "")
        known = {client, *hosts, *before.hosts("access"), *before.hosts("root"), *before.hosts("rw")}
        listed = {*entry.hosts("access"), *entry.hosts("root"), *entry.hosts("rw")}
        admitted = sorted((set(row.added) - known) & listed)
        if admitted:
            yield LeftExport(
                entry.directory,
                entry.text,
                f"{entry.directory} still lets in {', '.join(admitted)}, which run {row.run} had added and taken away",
                f"see whether somebody else wants it; else take it out: exportfs -i -o ... {entry.directory}",
            )


def _of_nim(seen: ExportsSeen, rows: ExportRows, hosts: Mapping[str, str]) -> Iterator[LeftExport]:
    """Lines of /etc/exports as NIM writes them for one client, while that client is at no operation."""
    for entry in seen.standing:
        host = _host_of_nim(entry)
        client = hosts.get(host or "")
        row = rows.newest.get(entry.directory)
        if client is None or client in seen.rooms or (row is not None and row[0].state != ChangeState.REVERTED):
            continue
        in_force = any(one.directory == entry.directory for one in seen.in_force)
        unexport = f"exportfs -u {entry.directory}; " if in_force else ""
        yield LeftExport(
            entry.directory,
            entry.text,
            f"/etc/exports has {entry.directory} for {host} as NIM writes it for an operation; {client} is at none",
            f"{unexport}take the line out of /etc/exports: {entry.text}",
            open=in_force,
        )


def _host_of_nim(entry: ExportEntry) -> str | None:
    """The one host of an entry that NIM wrote: both lists hold it alone, each with a colon at its end (aix-nim 3.3)."""
    lists = [part.partition("=")[2] for part in entry.options.split(",") if part.startswith(("access=", "root="))]
    named = {text.removesuffix(":") for text in lists}
    if len(lists) == 2 and len(named) == 1 and all(text.endswith(":") for text in lists):
        return named.pop() or None
    return None
