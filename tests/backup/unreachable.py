"""A host that goes out of reach at a chosen script."""

from __future__ import annotations

from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.protocol import CommandResult, Host


class Failing:
    """A host that is out of reach for the first script with ``word`` in it, which it keeps as ``lost``.

    ``silently``: the script was begun, and nothing of its answer came back.
    """

    def __init__(self, host: Host, word: str, *, silently: bool = False) -> None:
        self.host, self.word, self.lost, self.silently = host, word, "", silently
        self.name = host.name

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        if not self.lost and self.word in script:
            self.lost = script
            if self.silently:
                return CommandResult(None, "", "", 0.0)
            raise NimwrapError("the line is cut", code="master_unreachable")
        return self.host.run(script, timeout=timeout)

    def close(self) -> None:
        self.host.close()


class Hasty(Clock):
    """Time that passes only by waiting, and then an hour at once."""

    passed = 0.0

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += 3600


class Gone(Failing):
    """From the first script with ``word`` on, which nobody knows to have been begun, it is out of reach for good."""

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        if self.lost:
            raise NimwrapError("the line is cut", code="master_unreachable")
        return super().run(script, timeout=timeout)
