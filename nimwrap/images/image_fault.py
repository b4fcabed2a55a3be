"""What was found wrong with an image after it was made, as its row keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nimwrap.domain.findings import Failure
from nimwrap.history.model import ImageRow

SEEN = "seen"
"""Level of a look at the file from outside: whether it is there, and the one that was recorded."""


@dataclass(frozen=True)
class ImageFault:
    """``text`` is for people. ``code`` and ``level``, the look that found it, are None where a row has words only."""

    text: str
    code: str | None
    level: str | None

    @classmethod
    def found(cls, failure: Failure, level: str) -> ImageFault:
        """The fault that a look of this level found."""
        return cls(f"{failure.code} ({level}): {failure.message}", failure.code, level)

    @classmethod
    def of(cls, row: ImageRow) -> ImageFault | None:
        """The fault that stands in the row of an image."""
        return cls(row.fault, row.fault_code, row.fault_level) if row.fault is not None else None

    def __str__(self) -> str:
        return self.text


def fault_columns(fault: ImageFault | None, found: datetime | None = None) -> dict[str, object]:
    """The columns of ``images`` for a fault ``found`` then, and those of an image without one."""
    if fault is None:
        return {"fault": None, "fault_code": None, "fault_level": None, "fault_at": None}
    return {"fault": fault.text, "fault_code": fault.code, "fault_level": fault.level, "fault_at": found}
