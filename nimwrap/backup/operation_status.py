"""The state of one detached operation, as a look into its room on the master shows it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import datetime

from nimwrap.backup.spool import ALIVE, MARK, moment, said
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE


def poll_script(plan: AttemptPlan, wait_s: int) -> str:
    """Waits up to ``wait_s`` for the operation to be done, then says its state, sizes and the end of its output."""
    return f"""\
{PREAMBLE}{ALIVE}
say() {{ echo "{MARK}$*"; }}
room={shlex.quote(plan.room)}
cd $room 2>/dev/null || {{ say room gone; exit 0; }}
waited=0
while [ ! -f done ] && [ $waited -lt {wait_s} ] && alive $room; do sleep 1; waited=$((waited + 1)); done
if [ -f done ]; then say wrapper gone; say done yes
elif alive $room; then say wrapper alive
else
  say wrapper gone; [ -f done ] && say done yes  # it may have ended between the two looks
  [ -f boot ] && say boot $(cat boot)
  say uptime $(ps -p 1 -o etime= 2>/dev/null)
fi
[ -s rc ] && say rc $(cat rc)
[ -f undo ] && say undo yes
[ -f undo.rc ] && say undo_rc $(cat undo.rc)
[ -f unclean ] && say unclean yes
[ -f applied ] && sed 's/^/{MARK}applied /' applied
[ -f applied_at ] && say applied_at $(cat applied_at)
[ -f undone_at ] && say undone_at $(cat undone_at)
[ -f ended_by ] && say ended_by $(cat ended_by)
say size $(ls -l "$(cat image)" 2>/dev/null | awk '{{print $5}}')
say written $(ls -l out 2>/dev/null | awk '{{print $5}}')
say now $({CLOCK})
[ -f undo.out ] && tail -n 1 undo.out | sed 's/^/{MARK}undo_says /'
say out
tail -c 65536 out 2>/dev/null
[ -f client.out ] && [ ! -s rc ] && tail -c 2000 client.out
echo
say end
"""


@dataclass(frozen=True)
class OperationStatus:
    """The state of one operation at one moment, as :func:`look_script` saw it.

    ``applied``: the export's options, seen open ``applied_at``; its undo ran last ``undone_at``: the master's clock.
    ``rebooted``: the master went down since the operation was started, and its wrapper with it.
    ``unclean``: what the operation left on the client could not be cleared there.
    """

    room: bool
    alive: bool = False
    done: bool = False
    returncode: int | None = None
    undo: bool = False
    undo_status: int | None = None
    undo_says: str = ""
    applied: str | None = None
    applied_at: datetime | None = None
    undone_at: datetime | None = None
    ended_by: str | None = None
    unclean: bool = False
    rebooted: bool = False
    size: int | None = None
    written: int | None = None
    now: datetime | None = None
    output: str = ""


_OUTPUT = re.compile(rf"^{MARK}out\r?\n(.*)^{MARK}end\r?$", re.MULTILINE | re.DOTALL)


def parse_status(text: str) -> OperationStatus:
    """ValueError when the answer is not one, or not the whole of it."""
    found = _OUTPUT.search(text)
    lines = said(text[: found.start()] if found else text)
    if "room gone" in lines:
        return OperationStatus(room=False)
    values = dict(line.partition(" ")[::2] for line in lines)
    if found is None or not {"wrapper", "size", "written"} <= values.keys():
        raise ValueError(f"not an answer about an operation: {text[:200]!r}")

    def number(name: str) -> int | None:
        value = values.get(name, "").strip()
        return int(value) if value.isdigit() else None

    return OperationStatus(
        room=True,
        alive=values.get("wrapper") == "alive",
        done="done" in values,
        returncode=number("rc"),
        undo="undo" in values,
        undo_status=number("undo_rc"),
        undo_says=values.get("undo_says", ""),
        applied=values.get("applied"),
        applied_at=moment(values.get("applied_at", "")),
        undone_at=moment(values.get("undone_at", "")),
        ended_by=values.get("ended_by"),
        unclean="unclean" in values,
        rebooted=_shorter(values.get("uptime", ""), values.get("boot", "").partition(" ")[0]),
        size=number("size"),
        written=number("written"),
        now=moment(values.get("now", "")),
        output=found[1].removesuffix("\n"),
    )


_ETIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)")


def _shorter(now: str, then: str) -> bool:
    """True when process 1 has run for a shorter time now than it had then (ps etime: ``[[dd-]hh:]mm:ss``).

    The clock may have been set in between, so it is not asked: a reboot is told only where nothing else can be meant.
    """
    lately, before = _ETIME.fullmatch(now), _ETIME.fullmatch(then)
    if lately is None or before is None:
        return False
    return [int(part or 0) for part in lately.groups()] < [int(part or 0) for part in before.groups()]
