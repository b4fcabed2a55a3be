"""Whether NIM will be able to export the image directory, and whether an image can be written there."""

from __future__ import annotations

from nimwrap.aix.etc_exports import ExportEntry
from nimwrap.config.model import REMEDIES
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, refuse, warn
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.master_facts import within
from nimwrap.preflight.nearby_exports import mount_point, nearby_exports, same_filesystem
from nimwrap.preflight.possible_remedies import obstacles

STAGING = ".nimwrap"
"""Below it lie the directories that nimwrap itself exports for a remedy; each for one operation."""


def exports(s: CheckContext) -> Finding:
    """AIX exports no directory above or below one that is exported in the same file system (aix-nim section 3.1)."""
    s.on_master.exported.need()
    found = nearby_exports(s)
    evidence = "\n".join(export.text for export in found)
    path = s.path or ""
    above = [export for export in found if within(path, export.directory) and export.directory != path]
    below = [export for export in found if within(export.directory, path) and export.directory != path]
    if above or (below and s.source.actual == s.source.expected):
        side, first = ("above", above[0]) if above else ("below", below[0])
        passing = "it is nimwrap's own, for another operation, and goes by itself; " if _is_ours(first) else ""
        return refuse(
            FailureCode.EXPORT_CONFLICT,
            f"{first.directory} is exported, {side} {path} in the same file system: NIM cannot export the latter",
            f"{passing}if nothing uses it: exportfs -u {first.directory}, and take its line out of /etc/exports; else"
            " give the images a directory, or better a file system, of their own",
            evidence,
        )
    if [export for export in below if not _is_ours(export)]:
        barred = obstacles(s)
        left = " or ".join(name for name in REMEDIES if name not in barred) or "none"
        return warn(
            f"{below[0].directory} is exported below {path}: only the remedy {left} can work beside it",
            f"if nothing uses it: exportfs -u {below[0].directory}",
            evidence,
        )
    itself = next((export for export in found if export.directory == path), None)
    if itself:
        return warn(
            f"{path} is exported already: {itself.text.strip()}. NIM exports it by itself for each operation and may"
            " fail over this one, or replace it",
            f"if nothing uses it: exportfs -u {path}, and take its line out of /etc/exports",
            evidence,
        )
    return _standing(s)


def _is_ours(export: ExportEntry) -> bool:
    return STAGING in export.directory.split("/")


def _standing(s: CheckContext) -> Finding:
    """Entries of /etc/exports that are not in force now come back with the next ``exportfs -a``, also NIM's own.

    Of a file that was not understood nothing is known: raises FactError.
    """
    path = s.path or ""
    waiting = [
        export
        for export in s.on_master.standing.need()
        if within(export.directory, path) or (within(path, export.directory) and same_filesystem(s, export.directory))
    ]
    if waiting:
        return warn(
            f"/etc/exports has {waiting[0].directory}, which is not exported now, but will be by the next exportfs -a",
            "take the line out of /etc/exports if nothing needs it",
            "\n".join(export.text for export in waiting),
        )
    return ok("nothing exported stands in the way", s.on_master.exported.raw)


def directory(s: CheckContext) -> Finding:
    """The directory is there, or the one above it is and takes it."""
    found = s.directory()
    if found.kind == "other":
        return refuse(
            FailureCode.WRITE_DENIED, f"{found.path} is a file, not a directory", f"move it away: mv {found.path} ..."
        )
    base = s.policy.directory.rstrip("/")
    if not found.exists and not within(found.nearest, base):
        return refuse(
            FailureCode.WRITE_DENIED,
            f"{base} does not exist on the master; the nearest directory is {found.nearest}",
            f"mkdir -p {base} (or mount its file system), or correct `directory` in the configuration",
        )
    if not found.writable:
        return refuse(
            FailureCode.WRITE_DENIED,
            f"{found.nearest} cannot be written by the user that nimwrap works as",
            f"ls -ld {found.nearest}; mount | grep {mount_point(s) or found.nearest}",
        )
    if found.exists:
        return ok(found.path)
    return ok(f"{found.path} will be made in {found.nearest}")
