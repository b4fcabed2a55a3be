"""Cron lines that delete or carry away what lies where images lie: they go on after nimwrap has taken over."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from nimwrap.scheduling.cron_import.crontab import CronLine

_COMMAND = r"(?<![\w./=+-])(?:/(?:usr/)?(?:local/)?s?bin/)?"
_DELETES = re.compile(rf"{_COMMAND}rm(?=\s)|(?<=\s)-delete\b|rm_image\s*=\s*yes")
_COPIES = re.compile(
    rf"{_COMMAND}(?:cp|mv|scp|rcp|rsync|sftp|ftp|tar|pax|cpio|dd|gzip|zip|compress|dsmc|bpbackup|aws|azcopy)(?=\s)"
)
_PATH = re.compile(r"(?<![\w.@%+-])/[\w./@%+*?{}$!-]+")
_LOCATION = re.compile(r"location\s*=\s*['\"]?(/[^\s'\"]+)/")
_IMAGES = re.compile(r"mksysb|sysimg|sys_?backup", re.IGNORECASE)


class Deed(StrEnum):
    """What a line does to files where images lie."""

    DELETES = "deletes"
    COPIES = "copies"


@dataclass(frozen=True)
class OtherHand:
    """A line that does so; ``place``: what of it says that images are meant."""

    line: CronLine
    deed: Deed
    place: str

    @property
    def why(self) -> str:
        """For a person, who has to decide about the line."""
        if self.deed is Deed.DELETES:
            return (
                f"it deletes at {self.place}, where images lie: nimwrap's own would go too; `keep` does it from now on"
            )
        return f"it carries away what lies at {self.place} by name: nimwrap's images have other names; see [copies]"


def image_places(lines: Collection[CronLine], directories: Collection[str]) -> set[str]:
    """The directories of images that the lines name, and those that are known already."""
    found = {match[1] for line in lines for match in _LOCATION.finditer(line.text)}
    return {place.rstrip("/") for place in (*found, *directories) if place.count("/") > 1}


def other_hands(lines: Collection[CronLine], places: Collection[str]) -> Iterator[OtherHand]:
    """The lines that delete or copy below, or right above, one of the places, or files that are called like images."""
    for line in lines:
        text = line.job.command if line.job else line.text
        deed = Deed.DELETES if _DELETES.search(text) else Deed.COPIES if _COPIES.search(text) else None
        place = _place(text, places) if deed is not None else None
        if deed is not None and place is not None:
            yield OtherHand(line, deed, place)


def _place(text: str, places: Collection[str]) -> str | None:
    for path in _PATH.findall(text):
        named = PurePosixPath(path)
        for place in places:
            if named.is_relative_to(place) or (len(named.parts) > 1 and PurePosixPath(place).is_relative_to(named)):
                return str(path)
    paths = [path for path in _PATH.findall(text) if _IMAGES.search(path)]
    return next(iter(paths), None) or next((match[0] for match in re.finditer(r"\S*\.mksysb\S*", text)), None)
