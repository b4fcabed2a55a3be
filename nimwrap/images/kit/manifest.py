"""The manifest of one image: a small JSON file beside it, from which a lost history is built again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from nimwrap import __version__
from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.names import is_nim_name, is_safe_path
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.kit.kit_names import MARKER

_FORM = 1


@dataclass(frozen=True)
class ImageOrigin:
    """By whom an image was made: ``flags`` of mksysb, and the id of the installation that keeps its record."""

    installation: str
    flags: str = ""


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read: ``image`` has the values of the row, without its id and what identifies the file.

    ``copy``: of the copy that it lies beside, empty beside the image itself.
    """

    installation: str
    image: Mapping[str, Any]
    copy: Mapping[str, Any]

    @property
    def suffix(self) -> str:
        """How the name of its image ends."""
        return PurePosixPath(self.image["location"]).suffix


_PLAIN = ("client", "master", "kind", "run", "location", "size_bytes", "file_count", "outcome", "verified", "managed")
_MORE = ("pinned", "node", "machine_id", "verified_at", "verified_full_at", "recorded", "fault", "fault_code")
_RENAMED = {"made": "created", "level": "oslevel", "name": "resource"}
_TIMES = ("verified_at", "verified_full_at", "recorded")
_COPIED = ("name", "kind", "location", "checksum", "made", "verified_at")


def manifest_text(row: ImageRow, origin: ImageOrigin, copy: CopyRow | None = None) -> str:
    """The manifest of an image, or of a copy of it."""
    values = {name: getattr(row, name) for name in (*_PLAIN, *_MORE, "fault_level")}
    values |= {name: getattr(row, column) for name, column in _RENAMED.items()}
    document = {
        MARKER: _FORM,
        "version": __version__,
        "installation": origin.installation,
        "flags": origin.flags,
        "checksum": f"cksum:{row.cksum.replace(' ', ':')}" if row.cksum else None,
        "verified_by": list(row.verified_by),
        **values,
    }
    if copy is not None:
        document["copy"] = {name: getattr(copy, name) for name in _COPIED}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def parse_manifest(text: str) -> Manifest | None:
    """What a file holds, None where it is no manifest, or not one that can be relied on."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.get(MARKER) != _FORM:
            return None
        image = {name: document[name] for name in (*_PLAIN, *_MORE, "fault_level")}
        image |= {column: document[name] for name, column in _RENAMED.items()}
        image["cksum"] = (document["checksum"] or "").removeprefix("cksum:").replace(":", " ") or None
        image["verified_by"] = [str(word) for word in document["verified_by"]]
        copy = document.get("copy") or {}
        found = Manifest(str(document["installation"]), image, {name: copy[name] for name in _COPIED if copy})
        return found if _usable(found) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _usable(found: Manifest) -> bool:
    """Names from a file are checked before they reach the history or a shell; times have to be times."""
    image = found.image
    times = [
        image["created"],
        *(image[name] for name in ("verified_at", "verified_full_at", "recorded") if image[name]),
    ]
    for text in times:
        parse_rfc3339(text)
    return (
        is_nim_name(image["client"])
        and is_safe_path(image["location"])
        and (image["resource"] is None or is_nim_name(image["resource"]))
        and kind_of(image["kind"]).name == image["kind"]
        and isinstance(image["size_bytes"], int)
        and image["outcome"] in (Outcome.OK, Outcome.WARNING)
        and (not found.copy or is_safe_path("/" + found.copy["location"].lstrip("/")))
    )
