"""The state of detached operations, as one poll of their spool on the master shows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nimwrap.aix.kept_output import kept_output
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE
from nimwrap.locks.lock_scripts import MARK, moment, said

STEP_S = 2
"""How often a poll that waits looks whether an operation has ended: each look is a process on the master."""
_TAIL_WHILE_RUNNING = 4000
"""Bytes of an operation's output that each poll brings; once it has ended, what is kept."""


def poll_script(plans: Sequence[AttemptPlan], wait_s: int) -> str:
    """Waits up to ``wait_s`` for one of these operations to end, then says the state of each; all are of one spool.

    It also says how large every image is that holds a slot, whoever makes it. What it starts on the master grows with
    the operations by one short process for each: the rest are built-ins of the shell.
    """
    rooms = shlex.join(plan.run for plan in plans)
    parts = (
        _begin(plans[0].spool, rooms),
        _wait(rooms, wait_s),
        _say_states(rooms),
        _say_sizes(rooms),
        _say_output(rooms),
    )
    return "".join(parts)


def _begin(spool: str, rooms: str) -> str:
    """Into the spool; ``living`` asks once which wrappers there are, ``alive ROOM`` looks the answer up."""
    return f"""\
{PREAMBLE}say() {{ echo "{MARK}$*"; }}
first() {{ value=; {{ read value < $1; }} 2>/dev/null; }}
cd {shlex.quote(spool)} 2>/dev/null || {{ for room in {rooms}; do say $room room gone; done; say end; exit 0; }}
living() {{
  pids= found=
  for room in {rooms}; do first $room/pid; pids="$pids $value"; done
  set -- $pids
  [ $# -gt 0 ] || return
  list=$1; shift
  for pid in "$@"; do list=$list,$pid; done
  found=$(ps -p $list -o pid= -o args= 2>/dev/null | awk '/\\/wrapper *$/ {{ print $1 ":" $NF }}')
}}
alive() {{
  first $1/pid
  for entry in $found; do case "$entry" in "$value":*/"$1"/wrapper) return 0;; esac; done
  return 1
}}
"""


def _wait(rooms: str, wait_s: int) -> str:
    """Until one of the operations has ended, or its wrapper is gone."""
    step = min(STEP_S, max(1, wait_s))
    return f"""\
living
waited=0 ended=
for room in {rooms}; do [ -f $room/done ] || alive $room || ended=yes; [ -f $room/done ] && ended=yes; done
while [ -z "$ended" ] && [ $waited -lt {wait_s} ]; do
  sleep {step}; waited=$((waited + {step}))
  for room in {rooms}; do [ -f $room/done ] && ended=yes; done
  for pid in $pids; do kill -0 $pid 2>/dev/null || ended=yes; done
done
# Those whom nothing was seen of are the same processes still: each was there every second.
[ $waited -gt 0 ] && [ -n "$ended" ] && living
"""


def _say_states(rooms: str) -> str:
    """What the directory of each operation holds; ``$files`` are those whose size is wanted."""
    return f"""\
files=
for room in {rooms}; do
  [ -d $room ] || {{ say $room room gone; continue; }}
  if [ -f $room/done ]; then say $room wrapper gone; say $room done yes
  elif alive $room; then say $room wrapper alive
  else
    say $room wrapper gone; [ -f $room/done ] && say $room done yes  # it may have ended between the two looks
    first $room/boot; say $room boot $value
    say $room uptime $(ps -p 1 -o etime= 2>/dev/null)
  fi
  for name in rc ended_by ended_at applied_at undone_at; do
    first $room/$name; [ -n "$value" ] && say $room $name $value
  done
  [ -f $room/undo ] && say $room undo yes
  [ -f $room/undo.rc ] && {{ first $room/undo.rc; say $room undo_rc $value; }}
  [ -f $room/unclean ] && say $room unclean yes
  [ -f $room/applied ] && while read value; do say $room applied $value; done < $room/applied
  [ -f $room/undo.out ] && say $room undo_says "$(tail -n 1 $room/undo.out)"
  first $room/image; say $room image $value; files="$files $value $room/out"
done
"""


def _say_sizes(rooms: str) -> str:
    """How large the images of these operations are, and those of all others that hold a slot."""
    return f"""\
for slot in slots/*; do
  first $slot/run; holder=$value
  [ -n "$holder" ] && [ -f $holder/image ] && [ ! -s $holder/rc ] || continue
  first $holder/image; say $holder making $value
  case " {rooms} " in *" $holder "*) ;; *) files="$files $value";; esac
done
[ -n "$files" ] && ls -l $files 2>/dev/null | awk '{{ print "{MARK}file " $5 " " $NF }}'
"""


def _say_output(rooms: str) -> str:
    """The master's time, and the last output of each operation: more of one that has ended, and all that decides."""
    return f"""\
say now $({CLOCK})
for room in {rooms}; do
  [ -d $room ] || continue
  say out $room
  if [ -s $room/rc ]; then {kept_output("$room/out")}
  else tail -c {_TAIL_WHILE_RUNNING} $room/out 2>/dev/null; [ -f $room/client.out ] && tail -c 2000 $room/client.out
  fi
  echo
  say end $room
done
say end
"""


@dataclass(frozen=True)
class OperationStatus:
    """The state of one operation at one moment, as :func:`poll_script` saw it.

    ``applied``: the export's options, seen open ``applied_at``; its undo ran last ``undone_at``; what makes the image
    ended ``ended_at``: the master's clock.
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
    ended_at: datetime | None = None
    unclean: bool = False
    rebooted: bool = False
    size: int | None = None
    written: int | None = None
    now: datetime | None = None
    output: str = ""


@dataclass(frozen=True)
class MasterStatus:
    """One poll of a master. ``operations``: those asked for, by run; without one whose part is not whole.

    ``making``: the bytes of every image that holds a slot there and is still being written, by run, whoever makes it.
    """

    operations: Mapping[str, OperationStatus]
    making: Mapping[str, int]


def parse_statuses(text: str, runs: Iterable[str]) -> MasterStatus:
    """What :func:`poll_script` said of these runs. ValueError when the answer is not one, or not the whole of it."""
    lines = [line.partition(" ")[::2] for line in said(text)]
    if not lines or lines[-1] != ("end", ""):
        raise ValueError(f"not an answer about operations: {text[:200]!r}")
    sizes = [value.partition(" ")[::2] for key, value in lines if key == "file"]
    clock = next((moment(value) for key, value in lines if key == "now"), None)
    held = [(run, value.removeprefix("making ")) for run, value in lines if value.startswith("making ")]
    making = {run: _size(sizes, path) or 0 for run, path in held}
    found = {run: _status(text, run, lines, sizes) for run in runs}
    return MasterStatus(
        {run: replace(status, now=clock) for run, status in found.items() if status is not None},
        making,
    )


def _status(
    text: str, run: str, lines: Sequence[tuple[str, str]], sizes: Sequence[tuple[str, str]]
) -> OperationStatus | None:
    values = dict(value.partition(" ")[::2] for key, value in lines if key == run)
    if values.get("room") == "gone":
        return OperationStatus(room=False)
    output = re.search(
        rf"^{MARK}out {re.escape(run)}\r?\n(.*)^{MARK}end {re.escape(run)}\r?$", text, re.MULTILINE | re.DOTALL
    )
    if output is None or "wrapper" not in values:
        return None

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
        ended_at=moment(values.get("ended_at", "")),
        unclean="unclean" in values,
        rebooted=_shorter(values.get("uptime", ""), values.get("boot", "").partition(" ")[0]),
        size=_size(sizes, values.get("image", "")),
        written=_size(sizes, f"{run}/out"),
        output=output[1].removesuffix("\n"),
    )


def _size(sizes: Sequence[tuple[str, str]], path: str) -> int | None:
    """The size listed for this path; a listing may show more of a path than was asked for."""
    return next((int(size) for size, shown in sizes if path and shown.endswith(path) and size.isdigit()), None)


_ETIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)")


def _shorter(now: str, then: str) -> bool:
    """True when process 1 has run for a shorter time now than it had then (ps etime: ``[[dd-]hh:]mm:ss``).

    The clock may have been set in between, so it is not asked: a reboot is told only where nothing else can be meant.
    """
    lately, before = _ETIME.fullmatch(now), _ETIME.fullmatch(then)
    if lately is None or before is None:
        return False
    return [int(part or 0) for part in lately.groups()] < [int(part or 0) for part in before.groups()]
