"""The exports that decide whether the image directory can be exported: its own, those above and those below it."""

from __future__ import annotations

from nimwrap.aix.etc_exports import ExportEntry
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.facts import FactError
from nimwrap.preflight.master_facts import within


def nearby_exports(s: CheckContext) -> tuple[ExportEntry, ...]:
    """The exports in force of the image directory, of directories above it in its file system, and of what is below."""
    path = s.path
    if path is None:
        return ()
    return tuple(
        export
        for export in s.on_master.exported.value or []
        if within(export.directory, path) or (within(path, export.directory) and same_filesystem(s, export.directory))
    )


def same_filesystem(s: CheckContext, above: str) -> bool:
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
