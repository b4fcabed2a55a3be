"""What the steps of a run share: where the work is done, where it is written down, and what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.progress import Progress

if TYPE_CHECKING:
    from nimwrap.config.model import Config, MasterConfig
    from nimwrap.history.store import Store
    from nimwrap.hosts.protocol import CommandResult, Host

EVIDENCE_LIMIT = 8000
"""Characters of a script and of its output that the history keeps."""


class Interrupted(Exception):  # noqa: N818  leaving is no error
    """We were asked to leave; what runs on the master goes on without us."""


class Unstarted(Interrupted):
    """The same, before an operation was started: nothing goes on."""


@dataclass
class Clock:
    """Time as the steps see it; tests pass their own. ``stop`` wakes every sleeper.

    While ``draining`` is set nothing new is started, and what runs goes on to its end.
    """

    stop: Event = field(default_factory=Event)
    draining: Event = field(default_factory=Event)

    @property
    def leaving(self) -> bool:
        return self.stop.is_set() or self.draining.is_set()

    def before_start(self) -> None:
        """Raise Unstarted when nothing new is to be started any more."""
        if self.leaving:
            raise Unstarted

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise Interrupted as soon as ``stop`` is set."""
        if self.stop.wait(seconds):
            raise Interrupted

    def wait(self, done: Event, seconds: float) -> bool:
        """Sleep beside the steps' own work, until ``done`` is set: then True."""
        return done.wait(seconds)

    def check(self) -> None:
        """Raise Interrupted when ``stop`` is set."""
        if self.stop.is_set():
            raise Interrupted


@dataclass
class Site:
    """One master as a run works on it. ``tell`` receives progress; it must not raise."""

    host: Host
    master: MasterConfig
    config: Config
    store: Store
    clock: Clock = field(default_factory=Clock)
    tell: Callable[[Progress], None] = lambda progress: None

    def act(self, run: str, label: str, script: str, *, timeout: float = 120.0) -> CommandResult:
        """Run a script and keep it and its output as evidence of the run."""
        began = self.clock.now()
        result = self.host.run(script, timeout=timeout)
        data = {
            "script": script[-EVIDENCE_LIMIT:],
            "returncode": result.returncode,
            "stdout": result.stdout[-EVIDENCE_LIMIT:],
            "stderr": result.stderr[-EVIDENCE_LIMIT:],
            "duration_s": round(result.duration_s, 3),
        }
        self.note(run, "command", label, data, at=began)
        return result

    def note(
        self, run: str, kind: str, text: str, data: Mapping[str, object] | None = None, *, at: datetime | None = None
    ) -> None:
        """Write an event, and a line in the run's log. Evidence never stops the work: undoing does not wait for it."""
        when = at or self.clock.now()
        try:
            self.store.event(kind, text, run=run, master=self.master.name, data=data, at=when)
        except NimwrapError as error:
            self.tell(Progress(run, "history", note=f"event not recorded: {error.message}"))
        status = f" (status {data['returncode']}, {data['duration_s']} s)" if data and "duration_s" in data else ""
        self.log(run, f"{kind}: {text}{status}", when)

    def log(self, run: str, text: str, when: datetime) -> None:
        """Append to the run's log file. A log that cannot be written is let go: the history has all of it."""
        path = log_path(self.config, run)
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{rfc3339(when)} {text}\n")


def log_path(config: Config, run: str) -> Path:
    """Where the log of a run lies."""
    return config.state_dir / "logs" / f"{run}.log"
