"""What a host is to the rest of the house: a place that runs a shell script and says what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nimwrap.hosts.bounded_output import Sink
from nimwrap.hosts.three_valued import ThreeValued


@dataclass(frozen=True)
class CommandResult(ThreeValued):
    """What came back. ``returncode`` None means the outcome is unknown: the connection was lost on the way.

    Output is text decoded as UTF-8 with replacement; it is bounded by the transport.
    """

    returncode: int | None
    stdout: str
    stderr: str
    duration_s: float


class Host(Protocol):
    """A machine that runs POSIX/ksh88 script text as the user that may do the work (root, or through sudo).

    ``run`` raises NimwrapError with code ``master_unreachable``, ``host_key_changed`` or ``login_refused`` when no
    command was started. Once one was started it never raises for the network: a lost connection or a passed
    ``timeout`` is a result with returncode None, and the command may still be running over there.
    With a ``sink`` what the script writes to stdout goes there as it comes, and not into the result.
    """

    @property
    def name(self) -> str: ...

    def run(self, script: str, *, timeout: float = 120.0, sink: Sink | None = None) -> CommandResult: ...

    def close(self) -> None: ...
