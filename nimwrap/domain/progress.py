"""How far a run is, for those who watch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nimwrap.domain.codes import Outcome


@dataclass(frozen=True)
class Progress:
    """``phase`` is one word; ``size_bytes`` is the image's on disk, ``files``/``total`` mksysb's own count.

    ``outcome``: how it ended, in phase ``done``. ``again``: when one that has failed will be tried once more.
    """

    run: str
    phase: str
    client: str = ""
    percent: int | None = None
    files: int | None = None
    total: int | None = None
    size_bytes: int | None = None
    elapsed_s: float = 0.0
    note: str = ""
    again: datetime | None = None
    outcome: Outcome | None = None
