"""What lies in a master's spool: the rooms of operations, and the runs that only a lock or a slot names."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from nimwrap.backup.operation_status import OperationStatus
from nimwrap.domain.errors import master_unreachable
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE
from nimwrap.locks import lock_scripts
from nimwrap.locks.lock_scripts import ALIVE, MARK, moment
from nimwrap.master_context import MasterContext

ASIDE = ".left-"
"""Between a run and the number of its attempt, in the name of a directory that was put aside."""


@dataclass(frozen=True)
class OperationDir:
    """One directory of the spool. ``aside``: put there because something of its run waits to be cleaned up.

    Not ``there``: only a lock or a slot of the run was found. ``planned``: the attempt that the plan in it is of.
    ``undo``: there is one, and ``undo_status`` what it ended with.
    """

    name: str
    alive: bool
    done: bool
    age_s: float | None
    there: bool = True
    planned: int | None = None
    undo: bool = False
    undo_status: int | None = None

    @property
    def run(self) -> str:
        return self.name.partition(ASIDE)[0]

    @property
    def attempt(self) -> int | None:
        """The attempt that the directory is of: a later one of the same run may have made a good image."""
        number = self.name.partition(ASIDE)[2]
        return int(number) if number.isdigit() else self.planned

    @property
    def aside(self) -> bool:
        return ASIDE in self.name

    @property
    def status(self) -> OperationStatus:
        """The operation as far as this look tells it."""
        return OperationStatus(
            room=self.there, alive=self.alive, done=self.done, undo=self.undo, undo_status=self.undo_status
        )


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
            run = words[1].partition(ASIDE)[0]
            # A room that no lock and no slot names belongs to nobody: whoever had it was taken over from.
            rooms[words[1]] = _operation_dir(words[1], words[2:], beats.get(run, math.inf))
    return rooms


def _operation_dir(name: str, words: list[str], age_s: float | None) -> OperationDir:
    """One directory as the script says it: ``alive`` or ``gone``, ``done``, ``plan=3``, ``undo=0``."""
    values = {key: int(value) for key, _, value in (word.partition("=") for word in words) if value.isdigit()}
    undo = any(word.startswith("undo=") for word in words)
    return OperationDir(
        name, "alive" in words, "done" in words, age_s, True, values.get("plan"), undo, values.get("undo")
    )


def _scan_script(root: str) -> str:
    path = shlex.quote(root)
    return f"""\
{PREAMBLE}{ALIVE}
say() {{ echo "{MARK}$*"; }}
[ -d {path} ] || {{ say end; exit 0; }}
cd {path} || exit 1
say now $({CLOCK})
for held in locks/*/run slots/*/run limits/*/run; do
  [ -f "$held" ] && say lock $(cat "$held") $(cat "${{held%run}}heartbeat" 2>/dev/null)
done
for room in *; do
  [ -f "$room/plan" ] || continue
  state=gone; alive {path}/"$room" && state=alive
  [ -f "$room/done" ] && state="$state done"
  [ -f "$room/undo" ] && state="$state undo=$(cat "$room/undo.rc" 2>/dev/null)"
  state="$state plan=$(sed -n 's/.*"number": *\\([0-9][0-9]*\\).*/\\1/p' "$room/plan")"
  say room "$room" $state
done
say end
"""
