"""What a kind of copy is: where one lies, and the shell texts that make, read back, publish and remove it.

Each text is one step of its own on the master. ``make`` and ``check`` may take hours and run detached; the others are
short. Everything may be run again: whoever was killed between two steps begins with the first that is not done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import PurePosixPath
from typing import Protocol

from nimwrap.config.model import CopyConfig, MasterConfig
from nimwrap.copies.checksum_text import Sums
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.history.model import ImageRow

LEFT = 22
"""Status of a step that found something there that is not ours, and touched nothing."""
_STAMP = re.compile(r"_\d{8}_\d{6}$")


@dataclass(frozen=True)
class CopyOrder:
    """One image and the place that it is copied to. ``known``: its checksums as they are known already.

    ``far``: the other master, for a place there; ``kit``: what goes with the image, by the names of the files.
    """

    row: ImageRow
    place: CopyConfig
    known: Sums
    far: MasterConfig | None = None
    kit: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name, with the time of the image: the name of its own may be another image's tomorrow."""
        own = PurePosixPath(self.row.location)
        if _STAMP.search(own.stem):
            return own.name
        return f"{own.stem}{parse_rfc3339(self.row.created).astimezone(UTC):_%Y%m%d_%H%M%S}{own.suffix}"

    @property
    def room(self) -> str:
        """What the directories of its jobs in the spool are called, the same for every nimwrap."""
        return f"{self.place.name}.{self.name}"


class CopyKind(Protocol):
    """One kind. Its texts need no PREAMBLE and end with a status; what they say beside marked lines is for people."""

    name: str
    here: bool
    """Whether a program on the control host makes, checks and removes it (``control_copy``), and no text there."""
    looks: bool
    """Whether what lies at the place can be seen by ``look``."""

    def location(self, order: CopyOrder) -> str:
        """Where the copy lies, as the history keeps it."""

    def make(self, order: CopyOrder) -> str:
        """Brings all of the image there, under a name that nobody takes for a copy yet where that is possible."""

    def look(self, order: CopyOrder) -> str:
        """Says ``draft BYTES`` and ``copy BYTES`` of what is there."""

    def check(self, order: CopyOrder, *, draft: bool) -> str:
        """Reads it back and says its checksums as ``sums`` does, or ``proven`` where the site's own check does it."""

    def publish(self, order: CopyOrder, *, replacing: bool) -> str:
        """Gives a proven draft its name; LEFT where that is taken, unless what has it is ``replacing``'s broken one."""

    def adopt(self, order: CopyOrder) -> str:
        """Makes a whole copy that has its name what a restore can begin from; does nothing where it is that."""

    def write(self, far: MasterConfig | None, files: Mapping[str, str]) -> str:
        """Writes the kit beside copies, on the other master where that is; nothing where there are no files."""

    def fetch(self, order: CopyOrder) -> str:
        """A command for a person, which brings the image back to where it lay; empty where a restore begins there."""

    def abandon(self, order: CopyOrder) -> str:
        """Takes a draft away."""

    def remove(self, order: CopyOrder) -> str:
        """Removes the copy and makes sure that it is gone; LEFT where something else lies there."""
