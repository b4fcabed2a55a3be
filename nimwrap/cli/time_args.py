"""Times as people write and read them: durations, dates and RFC 3339 in; the machine's own zone out."""

from __future__ import annotations

from datetime import datetime, timedelta

from nimwrap.domain.durations import parse_duration, parse_rfc3339
from nimwrap.domain.errors import usage_error

_FORMS = "write a duration (90m, 12h, 3d), a date (2026-12-01) or a time (2026-12-01T18:00:00+11:00)"


def before_now(text: str, now: datetime, option: str) -> datetime:
    """``7d`` means seven days ago; a date its first instant. Usage error naming ``option`` on anything else."""
    return _moment(text, now, -1, option)


def after_now(text: str, now: datetime, option: str) -> datetime:
    """``3d`` means in three days; a date its first instant. Usage error when it is no time or already past."""
    moment = _moment(text, now, +1, option)
    if moment <= now:
        raise usage_error(f"{option} {text} is already past ({full(moment)})", _FORMS)
    return moment


def _moment(text: str, now: datetime, direction: int, option: str) -> datetime:
    try:
        return now + direction * timedelta(seconds=parse_duration(text))
    except OverflowError as error:
        raise usage_error(f"{option} {text} is too far away", _FORMS) from error
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone()  # without an offset: the zone of this machine
    except (ValueError, OverflowError) as error:
        raise usage_error(f"{option} {text!r} is no time", _FORMS) from error


def short(text: str | None) -> str:
    """``2026-11-23 12:02`` in this machine's zone; empty for None."""
    return parse_rfc3339(text).astimezone().strftime("%Y-%m-%d %H:%M") if text else ""


def full(moment: datetime | str) -> str:
    """``2026-11-23 12:02:03 +1100`` in this machine's zone."""
    known = parse_rfc3339(moment) if isinstance(moment, str) else moment
    return known.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def clock(text: str | None) -> str:
    """``12:02:03`` in this machine's zone; empty for None."""
    return parse_rfc3339(text).astimezone().strftime("%H:%M:%S") if text else ""
