"""``exportfs``: list, export and un-export (aix-nim section 3.3; ``-i`` leaves /etc/exports alone)."""

from __future__ import annotations

EXPORTFS = "/usr/sbin/exportfs"


def list_argv() -> list[str]:
    """What is exported now; :func:`nimwrap.aix.etc_exports.parse_listing` reads it."""
    return [EXPORTFS]


def export_argv(directory: str, options: str) -> list[str]:
    """Export ``directory`` with exactly ``options`` (a leading dash is dropped), whatever /etc/exports says."""
    return [EXPORTFS, "-i", "-o", options.removeprefix("-"), directory]


def unexport_argv(directory: str) -> list[str]:
    return [EXPORTFS, "-u", directory]
