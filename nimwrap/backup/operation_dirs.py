"""What lies in a master's spool: the rooms of operations, and the runs that only a lock or a slot names."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from nimwrap.domain.errors import master_unreachable
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE
from nimwrap.locks import lock_scripts
from nimwrap.locks.lock_scripts import ALIVE, MARK, moment
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class OperationDir:
    """One directory of the spool. ``aside``: put there because something of its run waits to be cleaned up.

    Not ``there``: only a lock or a slot of the run was found.
    """

    name: str
    alive: bool
    done: bool
    age_s: float | None
    there: bool = True

    @property
    def run(self) -> str:
        return self.name.partition(".left-")[0]

    @property
    def attempt(self) -> int | None:
        """The attempt that a room put aside is of: a later one of the same run may have made a good image."""
        number = self.name.partition(".left-")[2]
        return int(number) if number.isdigit() else None

    @property
    def aside(self) -> bool:
        return ".left-" in self.name


def scan_operation_dirs(context: MasterContext) -> dict[str, OperationDir]:
    """All rooms of the spool by name, locks and slots without a room included, in one round trip.

    Raises NimwrapError when the master did not answer to the end: an unseen room must not be taken for a missing one.
    """
    result = context.host.run(_scan_script(context.master.spool))
    lines = lock_scripts.said(result.stdout)
    if lines[-1:] != ["end"]:
        raise master_unreachable(
            f"{context.master.name} does not say what lies in {context.master.spool}: "
            f"{result.stderr.strip() or 'the connection was lost'}",
            "nimwrap recover tries again",
        )
    now, beats, rooms = None, dict[str, float | None](), dict[str, OperationDir]()
    for line in lines:
        words = line.split()
        if words[0] == "now":
            now = moment(words[-1])
        elif words[0] == "lock" and len(words) > 1:
            beat = moment(words[2]) if len(words) > 2 else None
            age = (now - beat).total_seconds() if now and beat else None
            beats[words[1]] = age
            rooms.setdefault(words[1], OperationDir(words[1], False, False, age, there=False))
        elif words[0] == "room":
            run = words[1].partition(".left-")[0]
            # A room that no lock and no slot names belongs to nobody: whoever had it was taken over from.
            rooms[words[1]] = OperationDir(
                words[1], "alive" in words[2:], "done" in words[2:], beats.get(run, math.inf)
            )
    return rooms


def _scan_script(root: str) -> str:
    path = shlex.quote(root)
    return f"""\
{PREAMBLE}{ALIVE}
say() {{ echo "{MARK}$*"; }}
[ -d {path} ] || {{ say end; exit 0; }}
cd {path} || exit 1
say now $({CLOCK})
for held in locks/*/run slots/*/run; do
  [ -f "$held" ] && say lock $(cat "$held") $(cat "${{held%run}}heartbeat" 2>/dev/null)
done
for room in *; do
  [ -f "$room/plan" ] || continue
  state=gone; alive {path}/"$room" && state=alive
  [ -f "$room/done" ] && state="$state done"
  say room "$room" $state
done
say end
"""
