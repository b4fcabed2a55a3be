"""Durations and times as the configuration and the JSON write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(\d+)([smhd])")


def parse_duration(text: str) -> int:
    """Seconds of ``90s``, ``30m``, ``6h`` or ``8d``; ValueError on anything else."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a whole number and one of s, m, h, d, such as 30m")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(seconds: float) -> str:
    """A short form for people: ``42s``, ``3m 05s``, ``2h 10m``, ``8d 3h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def format_size(size: float) -> str:
    """A short form for people: ``512 B``, ``14.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def rfc3339(moment: datetime) -> str:
    """``2026-11-23T01:02:03+00:00``: whole seconds, always UTC, so that text order is time order."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def parse_rfc3339(text: str) -> datetime:
    """The inverse of :func:`rfc3339`; ValueError when there is no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return moment
