"""Times for people: in the zone of the machine that shows them, which is named once on each screen."""

from __future__ import annotations

import time
from datetime import datetime

from nimwrap.domain.durations import parse_rfc3339


def zone() -> str:
    """This machine's zone as people abbreviate it: ``UTC``, or ``AEST/AEDT`` where clocks are changed."""
    return "/".join(dict.fromkeys(time.tzname if time.daylight else time.tzname[:1]))


def local_text(moment: datetime | str) -> str:
    """``2026-11-23 12:02 AEDT``: a moment inside a sentence, with the zone that holds then."""
    known = parse_rfc3339(moment) if isinstance(moment, str) else moment
    return known.astimezone().strftime("%Y-%m-%d %H:%M %Z")
