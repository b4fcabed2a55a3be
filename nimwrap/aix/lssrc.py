"""``lssrc``: subsystems, and the cluster manager's state (powerha section 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

CLUSTER_MANAGER = "clstrmgrES"
STABLE = "ST_STABLE"

_STATE = re.compile(r"^\s*Current state:\s*(\S+)", re.MULTILINE)
_VRMF = re.compile(r"^\s*local node vrmf is (\d+)", re.MULTILINE)
_SUBSYSTEM = re.compile(
    r"(?:^|\s{3})([\w.-]+)(?:\s+([A-Za-z][\w.-]*))?\s+"
    r"(?:(\d{1,12})\s+(active|starting|stopping|stopped|warned to stop)|(inoperative))$"
)


@dataclass(frozen=True)
class ClusterManager:
    """``state`` as printed. ST_STABLE is also printed after "forced down" (section 4.2): look at the groups too."""

    state: str
    level: str = ""

    @property
    def stable(self) -> bool:
        return self.state == STABLE


@dataclass(frozen=True)
class Subsystem:
    """``pid`` is None for one that is not running."""

    name: str
    group: str
    pid: int | None
    status: str

    @property
    def active(self) -> bool:
        return self.status == "active"


def argv(subsystem: str = CLUSTER_MANAGER) -> list[str]:
    """The long status; a running cluster manager tells its state there."""
    return ["lssrc", "-ls", subsystem]


def subsystem_argv(subsystem: str) -> list[str]:
    return ["lssrc", "-s", subsystem]


def parse(text: str) -> ClusterManager:
    """The cluster manager's state from ``lssrc -ls clstrmgrES``."""
    state, level = _STATE.search(text), _VRMF.search(text)
    if not state:
        raise Unrecognised("lssrc -ls clstrmgrES", text)
    return ClusterManager(state[1], level[1] if level else "")


def parse_subsystems(text: str) -> list[Subsystem]:
    """The rows of ``lssrc -s`` or ``-a`` in order; group and pid may be missing."""
    found = [
        Subsystem(match[1], match[2] or "", int(match[3]) if match[3] else None, match[4] or match[5])
        for line in lines(text)
        if (match := _SUBSYSTEM.search(line.strip()))
    ]
    if not found:
        raise Unrecognised("lssrc", text)
    return found
