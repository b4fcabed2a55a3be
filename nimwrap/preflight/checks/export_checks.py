"""Whether NIM will be able to export the image directory, and whether an image can be written there."""

from __future__ import annotations

from nimwrap.aix.etc_exports import ExportEntry
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.facts import FactError
from nimwrap.preflight.make_findings import ok, refuse, warn
from nimwrap.preflight.master_facts import within

STAGING = ".nimwrap"
"""Below it lie the directories that nimwrap itself exports for a remedy; each for one operation."""


def concerning(s: CheckContext) -> tuple[ExportEntry, ...]:
    """The exports in force of the image directory, of directories above it in its file system, and of what is below."""
    path = s.path
    if path is None:
        return ()
    return tuple(
        export
        for export in s.on_master.exported.value or []
        if within(export.directory, path) or (within(path, export.directory) and _same_filesystem(s, export.directory))
    )


def barring_pre_export(s: CheckContext) -> ExportEntry | None:
    """What is exported now so that the image directory's own export cannot be widened for the client."""
    return next(
        (
            export
            for export in concerning(s)
            if within(export.directory, s.path or "") and (export.directory != s.path or export.read_only)
        ),
        None,
    )


def _same_filesystem(s: CheckContext, above: str) -> bool:
    """True unless the file system of the image directory is known to begin below ``above``."""
    mount = mount_point(s)
    return mount is None or within(above, mount)


def mount_point(s: CheckContext) -> str | None:
    """Where the image directory's file system is mounted, if that is known."""
    try:
        filesystem = s.directory().filesystem
    except FactError:
        return None
    return filesystem.mounted_on if filesystem else None


def exports(s: CheckContext) -> Finding:
    """AIX exports no directory above or below one that is exported in the same file system (aix-nim section 3.1)."""
    s.on_master.exported.need()
    found = concerning(s)
    evidence = "\n".join(export.text for export in found)
    path, base = s.path or "", s.policy.directory.rstrip("/")
    above = [export for export in found if within(path, export.directory) and export.directory != path]
    below = [export for export in found if within(export.directory, path) and export.directory != path]
    if above or (below and s.source.actual == s.source.expected):
        side, first = ("above", above[0]) if above else ("below", below[0])
        ours = STAGING in first.directory.split("/")
        passing = "it is nimwrap's own, for another operation, and goes by itself; " if ours else ""
        return refuse(
            FailureCode.EXPORT_CONFLICT,
            f"{first.directory} is exported, {side} {path} in the same file system: NIM cannot export the latter",
            f"{passing}if nothing uses it: exportfs -u {first.directory}, and take its line out of /etc/exports; else"
            " give the images a directory, or better a file system, of their own",
            evidence,
        )
    if [export for export in below if not within(export.directory, f"{base}/{STAGING}")]:
        return warn(
            f"{below[0].directory} is exported below {path}: only the remedy own-mount can work beside it",
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


def _standing(s: CheckContext) -> Finding:
    """Entries of /etc/exports that are not in force now come back with the next ``exportfs -a``, also NIM's own.

    Of a file that was not understood nothing is known: raises FactError.
    """
    path = s.path or ""
    waiting = [
        export
        for export in s.on_master.standing.need()
        if within(export.directory, path) or (within(path, export.directory) and _same_filesystem(s, export.directory))
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
