"""``nim``: the operations nimwrap asks for, and what their running output says (aix-nim sections 2 and 5.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NIM = "/usr/sbin/nim"

_SPACE = re.compile(r"Required\s*=\s*(\d{1,18})\s*\(\d+\s*MB\)\s*Available\s*=\s*(\d{1,18})\s*\(\d+\s*MB\)")
_PROGRESS = re.compile(r"(\d{1,12}) of (\d{1,12}) files (?:backed up )?\((\d{1,3})%\)")
_COMPLETED = re.compile(r"(?<![\w-])0512-038\s+\w+:")
_ARCHIVE = re.compile(r"(?<![\w-])0512-003(?!\d)")


@dataclass(frozen=True)
class Space:
    """The image space block, in bytes (NIM prints 1024-byte blocks)."""

    required_bytes: int
    available_bytes: int


@dataclass(frozen=True)
class OperationProgress:
    """mksysb's own count of files; ``percent`` as printed."""

    done: int
    total: int
    percent: int


def _define(type_: str, name: str, attributes: Iterable[tuple[str, str]], *, force: bool = False) -> list[str]:
    settings = [word for key, value in attributes if value for word in ("-a", f"{key}={value}")]
    return [NIM, "-o", "define", *(["-F"] if force else []), "-t", type_, *settings, name]


def define_mksysb(
    name: str, *, client: str, location: str, flags: str, force: bool = False, size_preview: bool = False
) -> list[str]:
    """Make the image now and define it. ``force`` switches NIM's space check off (section 5.2), ``size_preview``
    makes nothing and only prints the space block."""
    return _define(
        "mksysb",
        name,
        [
            ("server", "master"),
            ("source", client),
            ("mk_image", "yes"),
            ("mksysb_flags", flags),
            ("location", location),
            ("size_preview", "yes" if size_preview else ""),
        ],
        force=force,
    )


def define_existing(name: str, *, location: str, type_: str = "mksysb") -> list[str]:
    """Adopt a file that exists already: no source, no mk_image (section 2.5)."""
    return _define(type_, name, [("server", "master"), ("location", location)])


def define_savevg(
    name: str, *, client: str, location: str, volume_group: str, exclude_files: str = "", size_preview: bool = False
) -> list[str]:
    """Back up one user volume group (peers section 4). Which flags it takes is not documented publicly: none."""
    return _define(
        "savevg",
        name,
        [
            ("server", "master"),
            ("source", client),
            ("mk_image", "yes"),
            ("volume_group", volume_group),
            ("location", location),
            ("exclude_files", exclude_files),
            ("size_preview", "yes" if size_preview else ""),
        ],
    )


def define_ios(name: str, *, client: str, location: str, type_: str = "ios_mksysb", force: bool = False) -> list[str]:
    """Image (``ios_mksysb``) or configuration (``ios_backup``) of a VIOS (peers section 4)."""
    return _define(
        type_,
        name,
        [
            ("server", "master"),
            ("source", client),
            ("mk_image", "yes"),
            ("location", location),
        ],
        force=force,
    )


def remove(name: str, *, rm_image: bool = False) -> list[str]:
    """Remove the object; with ``rm_image`` its file too (section 2.5)."""
    return [NIM, "-o", "remove", *(["-a", "rm_image=yes"] if rm_image else []), name]


def reset(client: str) -> list[str]:
    """Set the client's Cstate back to ready; deallocates nothing (section 2.6)."""
    return [NIM, "-o", "reset", "-F", "-a", "force=yes", client]


def allocate(client: str, resource_type: str, resource: str) -> list[str]:
    """Give a resource to a machine; an image is exported to it for reading."""
    return [NIM, "-o", "allocate", "-a", f"{resource_type}={resource}", client]


def deallocate(client: str, resource_type: str, resource: str) -> list[str]:
    """Take one named resource from the client; never a whole subclass."""
    return [NIM, "-o", "deallocate", "-a", f"{resource_type}={resource}", client]


def parse_space(text: str) -> Space | None:
    """The last image space block in the text, None when there is none."""
    found = _SPACE.findall(text)
    return Space(int(found[-1][0]) * 1024, int(found[-1][1]) * 1024) if found else None


def parse_progress(text: str) -> OperationProgress | None:
    """The last progress count in the text; NIM's wording and that of a local mksysb (section 2.3)."""
    found = _PROGRESS.findall(text)
    return OperationProgress(*(int(number) for number in found[-1])) if found else None


def began(text: str) -> bool:
    """True when the output shows that an operation on the client had begun: space, progress, or a method of its own."""
    return parse_progress(text) is not None or parse_space(text) is not None or "c_mkbosi" in text or completed(text)


def completed(text: str) -> bool:
    """True when 0512-038 was printed, by ``savevg:`` or ``mksysb:``: the only positive proof in the output."""
    return _COMPLETED.search(text) is not None


def archive_warnings(text: str) -> bool:
    """True when 0512-003 was printed: files were left out (section 6.4)."""
    return _ARCHIVE.search(text) is not None
