"""nimwrap with some of its round trips to its masters cut."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nimwrap.config.model import MasterConfig
from nimwrap.domain.errors import master_unreachable
from nimwrap.hosts import connect
from nimwrap.hosts.protocol import CommandResult, Host
from tests.cutting import LOST, CutHost

KINDS = ("before", "after", "refused", "garbled")
"""Lost before it ran, lost after it ran, never begun (the line could not be opened), answered by a foreign line."""
FOREIGN = "3004-000 this line is understood by nobody\n"


class Cuts:
    """Counts the round trips of this process, whichever host and thread they are of, and cuts those that are meant."""

    def __init__(self, kind: str, first: int, last: int, count: Path) -> None:
        self._kind, self._first, self._last, self._count = kind, first, last, count
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def below(self, host: Host) -> Host:
        return CutHost(host, lambda _script, run: self._meet(run))

    def _meet(self, run: Callable[[], CommandResult]) -> CommandResult | None:
        with self._lock, self._count.open("a") as file:
            number = next(self._numbers)
            file.write(".")
        if not self._first <= number <= self._last:
            return None
        if self._kind == "refused":
            raise master_unreachable("the campaign cut the line")
        answer = run() if self._kind in {"after", "garbled"} else LOST
        return replace(answer, stdout=FOREIGN, stderr="") if self._kind == "garbled" else LOST


def cut_below(kind: str, first: int, last: int, count: Path) -> None:
    """From now on the round trips of this process with these numbers, from 1, are cut.

    ``count`` is a file that gets one letter for each that was made.
    """
    cuts = Cuts(kind, first, last, count)
    transport = connect._transport

    def below_cuts(master: MasterConfig, *, ahead: bool) -> Host:
        return cuts.below(transport(master, ahead=ahead))

    connect._transport = below_cuts
