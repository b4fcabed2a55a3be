"""What was seen at the place of a recorded image, and whether that is still the file which was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class FileIdentity:
    """What tells one file from another: ``device`` as df names the file system, ``modified`` as ls shows the time.

    A part that is empty was not told.
    """

    device: str
    inode: str
    size_bytes: int
    modified: str


@dataclass(frozen=True)
class Sighting:
    """What stood at one place. ``file`` None: nothing; not ``regular``: no plain file (its size means nothing)."""

    file: FileIdentity | None
    regular: bool = True


@dataclass(frozen=True)
class Sightings:
    """What stood at places, as far as the master said. ``busy``: clients that were worked on meanwhile."""

    places: Mapping[str, Sighting] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()

    def of(self, client: str, place: str) -> Sighting | None:
        """What is known about an image of this client; nothing while it is worked on, for then files come and go."""
        return None if client in self.busy else self.places.get(place)


class Difference(StrEnum):
    """How what was seen differs from what was recorded."""

    NONE = "none"
    GONE = "gone"
    OTHER = "another file"
    SIZE = "another size"
    WRITTEN = "written to since"


def difference(recorded: FileIdentity, seen: Sighting) -> Difference:
    """The greatest difference. A recorded part that is empty is not compared, nor is the device alone: names change."""
    if seen.file is None:
        return Difference.GONE
    if not seen.regular or (recorded.inode and seen.file.inode != recorded.inode):
        return Difference.OTHER
    if seen.file.size_bytes != recorded.size_bytes:
        return Difference.SIZE
    return Difference.NONE if _same_time(recorded.modified, seen.file.modified) else Difference.WRITTEN


def _same_time(recorded: str, seen: str) -> bool:
    """``Nov 28 17:03`` becomes ``Nov 28 2026`` when it is old: then the day alone is compared."""
    if not recorded or not seen:
        return True
    then, now = recorded.split(), seen.split()
    clocks = [":" in words[-1] for words in (then, now)]
    return then == now if clocks[0] == clocks[1] else then[:2] == now[:2]
