"""What a person sees while images are made: a live table on a terminal, plain lines in a pipe, nothing with --json."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nimwrap.cli.logs import LogFormat
from nimwrap.cli.output.streams import colour_allowed
from nimwrap.domain.codes import Outcome
from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.progress import Progress
from nimwrap.fleet.fleet_observer import FleetObserver

if TYPE_CHECKING:
    from nimwrap.cli.invocation import Invocation

PHASES = {
    "preflight": "checking",
    "start": "starting",
    "image": "making the image",
    "proof": "proving the image",
    "stalled": "no sign of life",
    "waiting": "waiting for a slot",
    "reconnect": "master out of reach",
    "again": "to be tried again",
    "done": "done",
}


@contextmanager
def shown_progress(invocation: Invocation, clients: int) -> Iterator[FleetObserver]:
    """Show how a fleet of so many clients goes on, for as long as the block runs."""
    if invocation.quiet or invocation.json:
        yield FleetObserver()
    elif redraws(invocation):
        from nimwrap.cli.output.progress_table import LiveTable

        colour = invocation.colour_wanted and colour_allowed(sys.stderr, os.environ)
        with LiveTable(clients, colour=colour) as table:
            yield table
    else:
        yield PlainLines(invocation)


def redraws(invocation: Invocation) -> bool:
    """Whether stderr is a terminal that can draw over what it shows, and a person is to read it."""
    if sys.stderr is None or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    return invocation.log.format is LogFormat.TEXT and sys.stderr.isatty()


class PlainLines(FleetObserver):
    """One line when a client's phase changes, and one every quarter of its image."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._seen: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def progresses(self, progress: Progress) -> None:
        step = (progress.phase, (progress.percent or 0) // 25)
        with self._lock:
            if self._seen.get(progress.run) == step and not progress.note:
                return
            self._seen[progress.run] = step
        self._invocation.log.write(
            level_of(progress),
            describe(progress),
            run=progress.run,
            client=progress.client,
            phase=progress.phase,
            percent=progress.percent,
            size_bytes=progress.size_bytes,
            elapsed_s=round(progress.elapsed_s, 1),
        )


def level_of(progress: Progress) -> int:
    """An end that is not good, and a silence, are no mere information: the journal shows them by priority."""
    if progress.outcome in (Outcome.FAILED, Outcome.REFUSED, Outcome.LOCKED):
        return logging.ERROR
    if not progress.client or progress.phase in ("stalled", "reconnect") or progress.outcome is Outcome.WARNING:
        return logging.WARNING
    return logging.INFO


def describe(progress: Progress) -> str:
    """One line about one client's progress, or what a step has to say that belongs to no client."""
    if not progress.client:
        return f"{progress.run}: {progress.note}" if progress.run else progress.note
    if progress.again is not None:
        return f"{progress.client}: will be tried again at {progress.again.astimezone():%H:%M:%S}, {progress.note}"
    parts: list[Any] = [PHASES.get(progress.phase, progress.phase)]
    if progress.note:
        parts.append(progress.note)
    if progress.percent is not None:
        parts.append(f"{progress.percent}%")
    if progress.size_bytes:
        parts.append(format_size(progress.size_bytes))
    if progress.elapsed_s >= 1:
        parts.append(format_duration(progress.elapsed_s))
    return f"{progress.client}: {', '.join(parts)}"
