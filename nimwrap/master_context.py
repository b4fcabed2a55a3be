"""One master as the steps of a run and the keeping of images work on it: host, configuration, history, time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimwrap.domain.act import Act
from nimwrap.domain.clock import Clock
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.progress import Progress
from nimwrap.domain.stopwatch import Stopwatch
from nimwrap.hosts.shared_call import SharedCall

if TYPE_CHECKING:
    from nimwrap.config.model import Config, MasterConfig
    from nimwrap.history.ports import Queries
    from nimwrap.history.sqlite.store import Store
    from nimwrap.hosts.protocol import CommandResult, Host

EVIDENCE_LIMIT = 8000
"""Characters of a script and of its output that the history keeps."""


class FixedParallel:
    """How many images a master makes at once: as many as the configuration says, whatever is seen."""

    def at_once(self, master: MasterConfig) -> int:
        """How many may be in flight now, over all nimwraps."""
        return master.most_parallel

    def saw(self, making: Mapping[str, int]) -> None:
        """The bytes of every image that is being made on the master, by run, as a poll has just shown them."""

    def trouble(self) -> None:
        """An image stalled, timed out or met an NFS error."""

    def written(self, run: str) -> None:
        """The image of this run is written; it is being proven until the run is closed."""


@dataclass
class MasterContext:
    """One master as a run works on it. ``tell`` receives progress; it must not raise.

    ``polls``: the operations that this process follows there, asked about by one call for all.
    ``beats``: a way to the master for heartbeats alone, None for the same.
    ``stopwatch``: of the run that works here.
    ``unguarded``: the host without the guard of a lock, for what only asks about several works at once.
    """

    host: Host
    master: MasterConfig
    config: Config
    store: Store
    queries: Queries
    clock: Clock = field(default_factory=Clock)
    tell: Callable[[Progress], None] = lambda progress: None
    parallel: FixedParallel = field(default_factory=FixedParallel)
    polls: SharedCall[Any, Any] = field(default_factory=SharedCall)  # plans and states: of a room above this one
    beats: Host | None = None
    unguarded: Host | None = None
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def act(self, run: str | None, label: str, script: str, *, timeout: float = 120.0) -> CommandResult:
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
        self,
        run: str | None,
        kind: str | Act,
        text: str,
        data: Mapping[str, object] | None = None,
        *,
        at: datetime | None = None,
    ) -> None:
        """Write an event, and a line in the run's log. Evidence never stops the work: undoing does not wait for it."""
        when = at or self.clock.now()
        try:
            self.store.event(kind, text, run=run, master=self.master.name, data=data, at=when)
        except NimwrapError as error:
            self.tell(Progress(run or "", "history", note=f"event not recorded: {error.message}"))
        status = f" (status {data['returncode']}, {data['duration_s']} s)" if data and "duration_s" in data else ""
        if run is not None:
            self.log(run, f"{kind.kind if isinstance(kind, Act) else kind}: {text}{status}", when)

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
