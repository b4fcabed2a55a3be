"""``lsvg`` and ``lsvg -l``: a volume group, its room and its logical volumes (transcripts ``lsvg*``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_NAME = re.compile(r"^VOLUME GROUP:\s+(\S+)", re.MULTILINE)
_STATE = re.compile(r"^VG STATE:\s+(\S+)", re.MULTILINE)
_PP_SIZE = re.compile(r"\bPP SIZE:\s+(\d{1,9}) megabyte")
_FREE = re.compile(r"\bFREE PPs:\s+(\d{1,12})\b")
_TOTAL = re.compile(r"\bTOTAL PPs:\s+(\d{1,12})\b")
_VOLUME = re.compile(r"(\S+)\s+(\S+)\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s+(\S+/\S+)\s+(\S.*?)\s*")
_GROUP = re.compile(r"(\S+):\s*")


@dataclass(frozen=True)
class VolumeGroup:
    """Sizes in MB; None where the output lacks them."""

    name: str
    state: str
    total_mb: int | None = None
    free_mb: int | None = None


@dataclass(frozen=True)
class LogicalVolume:
    """One row of ``lsvg -l``; ``mount_point`` is empty for ``N/A``."""

    name: str
    type: str
    logical_partitions: int
    physical_partitions: int
    physical_volumes: int
    state: str
    mount_point: str = ""


def argv(volume_group: str = "rootvg") -> list[str]:
    return ["lsvg", volume_group]


def volumes_argv(volume_group: str = "rootvg") -> list[str]:
    return ["lsvg", "-l", volume_group]


def locked(text: str) -> bool:
    """True when lsvg warned that the group is locked (0516-1201): it then retries for ever."""
    return "0516-1201" in text


def parse(text: str) -> VolumeGroup:
    """The group's own page."""
    name, state, size = _NAME.search(text), _STATE.search(text), _PP_SIZE.search(text)
    if not name or not state:
        raise Unrecognised("lsvg", text)
    total, free = _TOTAL.search(text), _FREE.search(text)
    return VolumeGroup(
        name[1],
        state[1],
        int(total[1]) * int(size[1]) if total and size else None,
        int(free[1]) * int(size[1]) if free and size else None,
    )


def parse_volumes(text: str) -> dict[str, list[LogicalVolume]]:
    """By volume group its logical volumes in order."""
    found: dict[str, list[LogicalVolume]] = {}
    group = ""
    for line in lines(text):
        if match := _GROUP.fullmatch(line):
            group = match[1]
        elif group and (match := _VOLUME.fullmatch(line)):
            mount = "" if match[7] == "N/A" else match[7]
            volume = LogicalVolume(match[1], match[2], int(match[3]), int(match[4]), int(match[5]), match[6], mount)
            found.setdefault(group, []).append(volume)
    if not found:
        raise Unrecognised("lsvg -l", text)
    return found
