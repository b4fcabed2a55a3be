"""``lsmksysb -lf FILE``: the header of an image, readable only from a whole one (aix-nim section 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_FIELD = re.compile(r"([A-Z][A-Z /()]*[A-Z)]):\s*(.*?)\s*")


@dataclass(frozen=True)
class ImageHeader:
    """What the image says of itself. ``backup_date`` is text with the client's time zone; absent fields are empty.

    Sizes are those of the file systems in MB as printed: ``shrink_mb`` is nearer to the image than ``backup_mb``.
    """

    volume_group: str
    node: str
    machine_id: str
    backup_date: str = ""
    oslevel: str = ""
    maintenance_level: str = ""
    service_pack: str = ""
    backup_mb: int | None = None
    shrink_mb: int | None = None


def argv(path: str) -> list[str]:
    return ["lsmksysb", "-lf", path]


def _megabytes(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def parse(text: str) -> ImageHeader:
    """The header; volume group and UNAME INFO must be there, or nobody can tell whose image it is."""
    fields: dict[str, str] = {}
    for line in lines(text):
        if match := _FIELD.fullmatch(line.strip()):
            fields.setdefault(match[1], match[2])
    uname = fields.get("UNAME INFO", "").split()
    if not fields.get("VOLUME GROUP") or len(uname) < 3:
        raise Unrecognised("lsmksysb", text)
    return ImageHeader(
        volume_group=fields["VOLUME GROUP"],
        node=uname[1],
        machine_id=uname[-1],
        backup_date=fields.get("BACKUP DATE/TIME", ""),
        oslevel=fields.get("BACKUP OSLEVEL", ""),
        maintenance_level=fields.get("MAINTENANCE LEVEL", ""),
        service_pack=fields.get("SERVICEPACK LEVEL", ""),
        backup_mb=_megabytes(fields.get("BACKUP SIZE (MB)", "")),
        shrink_mb=_megabytes(fields.get("SHRINK SIZE (MB)", "")),
    )
