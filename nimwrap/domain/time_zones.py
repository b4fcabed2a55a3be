"""Time zones by their IANA names."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nimwrap.domain.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone called ``name``; ValueError names the nearest one. AIX's own zone files are not read."""
    import zoneinfo  # only those need it who have a zone in their files

    if sys.platform == "aix" and "PYTHONTZPATH" not in os.environ:
        zoneinfo.reset_tzpath(())
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = did_you_mean(name, zoneinfo.available_timezones())
        raise ValueError(f"unknown time zone {name!r}; {near or 'write an IANA name such as Europe/Berlin'}") from error
