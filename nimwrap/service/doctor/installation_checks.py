"""What the history and the schedules say about this installation, and whether those who should be told can be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from urllib.parse import urlsplit

from nimwrap.config.model import Config
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import fail, named, ok, skip, warn
from nimwrap.domain.retention import CLOCK_TOLERANCE
from nimwrap.history.ports import Queries

_QUICK_CHECK_BYTES = 200 * 1024 * 1024
_CONNECT_S = 5
_NEWEST_EVENTS = 100_000
"""So many take a few seconds; a package of evidence looks at all of them."""


def history_checks(config: Config, reader: Queries) -> Iterator[Finding]:
    """The database itself, and what was begun and has not been ended."""
    path = config.database
    if not path.exists():
        yield named("history", ok(f"{path} is not there yet; the first run makes it"))
        return
    size = path.stat().st_size
    fault = reader.integrity() if size < _QUICK_CHECK_BYTES else "ok"
    if fault != "ok":
        yield named("history", fail(f"{path} is damaged: {fault}", "docs/history.md says how to begin anew"))
    else:
        yield named("history", ok(f"{path}, {format_size(size)}"))
    yield _events(reader)
    yield from _open_runs(config, reader)


def _events(reader: Queries) -> Finding:
    """Whether the events are those that were written."""
    faults = reader.altered_events(_NEWEST_EVENTS)
    if not faults:
        return named("events", ok("none was changed or removed since it was written"))
    fix = "see who edits the database; an earlier copy and `nimwrap report --evidence` packages tell what stood there"
    return named("events", fail("; ".join(faults[:5]), fix))


def _open_runs(config: Config, reader: Queries) -> Iterator[Finding]:
    from nimwrap.history.run_lease import owner_alive

    rows = reader.open_runs()
    left = [row.id for row in rows if not owner_alive(config.state_dir, row.id)]
    alive = {row.id for row in rows} - set(left)
    if left:
        yield named(
            "open_runs", warn(f"not ended, and their nimwrap is gone: {', '.join(left[:5])}", "nimwrap recover")
        )
    else:
        yield named("open_runs", ok(f"{len(alive)} at work" if alive else "none"))
    changes = [row for row in reader.open_changes() if row.run not in alive or row.state == "foreign"]
    if changes:
        said = ", ".join(f"{row.directory} on {row.master} ({row.state})" for row in changes[:5])
        fix = "nimwrap recover; if it stays, `nimwrap exports list` and exportfs on the master show what to undo"
        yield named("export_changes", fail(f"not undone: {said}", fix))
    else:
        yield named("export_changes", ok("none is in force without a run"))


def date_checks(reader: Queries, now: datetime) -> Iterator[Finding]:
    """Images that are said to have been made later than now: this clock or a master's was wrong."""
    rows = reader.images_dated_after(now + CLOCK_TOLERANCE)
    if not rows:
        yield named("image_dates", ok("no image is dated in the future"))
        return
    said = ", ".join(f"{row.location} on {row.master} ({row.created})" for row in rows[:5])
    fix = "set the clocks right; these images do not count as newer, and no retention removes them until they are past"
    yield named("image_dates", fail(f"{len(rows)} dated in the future: {said}", fix))


def removal_checks(config: Config, reader: Queries) -> Iterator[Finding]:
    """Masters on which many images were found gone or changed, so that nothing is removed there."""
    stops = {name: stop for name in config.masters if (stop := reader.removal_stop(name)) and not stop.resumed}
    for name, stop in stops.items():
        fix = "see what happened to them, then nimwrap images prune --resume"
        yield named(f"removals:{name}", fail(f"stopped since {stop.since}: {stop.why}", fix))


def schedule_checks(config: Config, reader: Queries) -> Iterator[Finding]:
    """Whether the schedules can be read, and what looks wrong in them."""
    from nimwrap.scheduling.schedule_files import load_schedules
    from nimwrap.scheduling.schedule_lint import schedule_warnings

    try:
        schedules = load_schedules(config)
    except NimwrapError as error:
        yield from (named("schedules", fail(one.message, one.hint)) for one in error.problems)
        return
    found = [named("schedules", warn(text, hint)) for text, hint in schedule_warnings(config, reader, schedules)]
    yield from found or [named("schedules", ok(f"{len(schedules)}: {', '.join(schedules)}"))]


def inventory_checks(config: Config, reader: Queries, now: datetime) -> Iterator[Finding]:
    """How old each master's list of clients is."""
    from nimwrap.domain.durations import parse_rfc3339
    from nimwrap.domain.verdict import inventory_fault

    rows = {row.master: row for row in reader.inventories()}
    for name in config.masters:
        taken = rows[name].taken if name in rows else None
        fault = inventory_fault(parse_rfc3339(taken) if taken else None, now)
        check = f"inventory:{name}"
        yield (
            named(check, warn(f"it {fault}", "nimwrap status --refresh"))
            if fault
            else named(check, ok(f"taken {taken}"))
        )


def notify_checks(config: Config) -> Iterator[Finding]:
    """Whether each place can be understood, and the ping's host be reached; nothing is sent."""
    places = config.notify.all_urls
    if not places and not config.notify.ping:
        fix = "set urls or ping under [notify]; nimwrap notify test tries them"
        yield named("notify", warn("nobody is told of failures", fix))
        return
    if places and find_spec("apprise") is not None:
        from nimwrap.monitoring.alerts.alert_channels import usable

        for check, url in places.items():
            trouble = usable(url)
            yield (
                named(check, fail(trouble, f"correct {url}; nimwrap notify test tries it"))
                if trouble
                else named(check, ok("understood; `nimwrap notify test` sends a message"))
            )
    elif places:
        yield named("notify.urls", skip("Apprise is not installed"))
    if config.notify.ping:
        yield _ping_host(config)


def _ping_host(config: Config) -> Finding:
    try:
        parts = urlsplit(config.notify.ping.reveal())
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_S):
            return named("notify.ping", ok("its host answers"))
    except NimwrapError as error:
        return named("notify.ping", fail(error.message, error.hint))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return named("notify.ping", fail(f"its host cannot be reached: {reason}", "see firewall, proxy and the URL"))
