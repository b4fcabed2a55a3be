"""A master as it is worked on under a lock: no script of that work begins once the lock is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass

from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.bounded_output import Sink
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.locks.lock_scripts import LOST, MARK, guard


@dataclass(frozen=True)
class GuardedHost:
    """``inner``, of which every script first compares the lock's holder and number with these."""

    inner: Host
    spool: str
    client: str
    run_id: str
    fence: str

    @property
    def name(self) -> str:
        return self.inner.name

    def run(self, script: str, *, timeout: float = 120.0, sink: Sink | None = None) -> CommandResult:
        """As the protocol says. Raises NimwrapError ``locked``, with nothing done, when the lock is lost."""
        text = guard(self.spool, self.client, self.run_id, self.fence)
        guarded = f"{PREAMBLE}{text}{script.removeprefix(PREAMBLE)}"
        if sink is None:
            result = self.inner.run(guarded, timeout=timeout)
        else:
            result = self.inner.run(guarded, timeout=timeout, sink=sink)
        lost = [line for line in result.stdout.splitlines() if line.startswith(f"{MARK}lost")]
        if result.returncode == LOST and lost:
            holder = lost[0].removeprefix(f"{MARK}lost").strip()
            by = f" by {holder}" if holder else ""
            raise NimwrapError(
                f"the lock of {self.client} was taken away from {self.run_id}{by}; nothing more is changed for it",
                code=FailureCode.LOCKED,
                hint="nimwrap recover goes on from there when the lock is free",
                exit_code=ExitCode.LOCKED,
            )
        return result

    def close(self) -> None:
        self.inner.close()
