"""What somebody had done on purpose: the acts that ``nimwrap audit`` accounts for, and what each was done to."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ActName(StrEnum):
    """The stable words of ``data.acts[].act``."""

    BACKUP = "backup"
    EXPORT_CHANGE = "export_change"
    HOLD = "hold"
    RELEASE = "release"
    PIN = "pin"
    UNPIN = "unpin"
    IMPORT = "import"
    ADOPT = "adopt"
    REMOVE = "remove"
    RESUME_REMOVALS = "resume_removals"
    EXTRACT = "extract"
    DRILL = "drill"
    COPY = "copy"
    REMOVE_COPY = "remove_copy"
    CANCEL = "cancel"
    RECOVER = "recover"
    EXCLUDE = "exclude"
    UNDO_EXCLUDE = "undo_exclude"


class Act(NamedTuple):
    """An event that is an act: its ``kind`` as an event, its name, and a client, an image or a run as ``subject``."""

    kind: str
    name: ActName
    subject: str
