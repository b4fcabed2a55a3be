"""What the files beside images are called, so that none of them is taken for one."""

from __future__ import annotations

from pathlib import PurePosixPath

SUFFIX = ".json"
MARKER = "nimwrap_manifest"
"""The key by which a manifest is known; its value is the version of the form."""
RESTORE = "RESTORE.txt"
HISTORY = "nimwrap-history"
"""The directory beside the images that copies of history.db lie in."""


def is_kit_file(path: str) -> bool:
    """Whether what lies there is one of these files, and so no image."""
    place = PurePosixPath(path)
    return place.suffix == SUFFIX or place.name.endswith(RESTORE) or HISTORY in place.parts


def manifest_path(location: str) -> str:
    """Where the manifest of the image at ``location`` lies."""
    return f"{location.removesuffix(PurePosixPath(location).suffix)}{SUFFIX}"
