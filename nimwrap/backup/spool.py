"""What nimwrap does in a master's spool: locks, slots, starting detached operations, giving all of it back.

Every function here makes the text of one script; :mod:`nimwrap.backup.operation` runs them. Directories made with
mkdir are the locks, because mkdir is atomic everywhere and survives whoever made it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nimwrap.backup.wrapper import client_stop_script, stop_text, wrapper_text
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.client_channel import client_command
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE

STALE_S = 600
"""A lock may be taken over only when its heartbeat is older than this and its operation is gone (INTERFACE 6)."""


MARK = "nw "
"""Begins every line that a script of ours says, among whatever a login's profile may print beside it."""


def said(text: str) -> list[str]:
    """The lines that are ours, without their mark."""
    return [line.removeprefix(MARK).rstrip() for line in text.splitlines() if line.startswith(MARK)]


def lock_path(spool: str, client: str) -> str:
    return f"{spool}/locks/{client}"


def _lock_words(spool: str, client: str) -> str:
    """Words for the shell: the client's lock, and those of clusters, of which some may be held beside it."""
    return f"{shlex.quote(lock_path(spool, client))} {shlex.quote(spool)}/locks/cluster.*"


def _is_mine(run: str) -> str:
    """Shell text: whether what ``$held`` names is held by this run."""
    return f'[ "$(cat "$held/run" 2>/dev/null)" = {shlex.quote(run)} ]'


ALIVE = """\
alive() {
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && ps -p $pid -o args= 2>/dev/null | grep "$1/wrapper" >/dev/null
}
"""
"""Whether the wrapper of the room $1 lives: its pid, and that the process of that number is it (numbers are reused)."""


def locks_script(spool: str, names: Sequence[str], run: str, owner: str) -> str:
    """Takes the locks called ``names`` in this order, up to the first that somebody else holds.

    Says ``got`` or ``held`` for each, with the holder's particulars.
    """
    locks = shlex.quote(f"{spool}/locks")
    return f"""\
{PREAMBLE}umask 077
{ALIVE}
[ -d {locks} ] || mkdir -p {locks} || exit 1
for name in {shlex.join(names)}; do
  lock={locks}/$name
  if mkdir "$lock" 2>/dev/null; then
    echo {shlex.quote(run)} > "$lock/run"; echo {shlex.quote(owner)} > "$lock/owner"; {CLOCK} > "$lock/heartbeat"
    [ -s "$lock/run" ] && [ -s "$lock/heartbeat" ] || {{ rm -rf "$lock"; echo "nothing can be written there"; exit 1; }}
    echo "{MARK}got"
  else
    # Whoever died before it wrote a heartbeat gets one now, so that the lock grows old and can be taken over.
    [ -s "$lock/heartbeat" ] || {CLOCK} > "$lock/heartbeat"
    echo "{MARK}held"
  fi
{_particulars(spool)}\
  [ "$(cat "$lock/run" 2>/dev/null)" = {shlex.quote(run)} ] || break
done
"""


def peek_script(spool: str, client: str) -> str:
    """Who holds the client's lock, in the form of :func:`locks_script`, without touching it; else only ``free``."""
    return f"""\
{PREAMBLE}{ALIVE}
lock={shlex.quote(lock_path(spool, client))}
[ -d "$lock" ] || {{ echo '{MARK}free'; exit 0; }}
echo '{MARK}held'
{_particulars(spool)}"""


def _particulars(spool: str) -> str:
    """Shell text that says what :func:`parse_locks` reads after the first line about the lock ``$lock``."""
    return f"""\
echo "{MARK}run $(cat "$lock/run" 2>/dev/null)"
echo "{MARK}owner $(cat "$lock/owner" 2>/dev/null)"
echo "{MARK}heartbeat $(cat "$lock/heartbeat" 2>/dev/null)"
echo "{MARK}now $({CLOCK})"
holder={shlex.quote(spool)}/$(cat "$lock/run" 2>/dev/null)
if alive "$holder"; then echo "{MARK}operation running"; else echo "{MARK}operation gone"; fi
"""


def take_over_script(spool: str, client: str, holder: str) -> str:
    """Puts a stale lock aside, only if it is still that of ``holder``; says ``aside``. The rename has one winner."""
    lock = shlex.quote(lock_path(spool, client))
    aside = shlex.quote(f"{lock_path(spool, client)}.stale.{holder or 'nobody'}")
    return f"""\
{PREAMBLE}[ "$(cat {lock}/run 2>/dev/null)" = {shlex.quote(holder)} ] || exit 0
mv {lock} {aside} && rm -rf {aside} && echo "{MARK}aside"
"""


def beat_script(spool: str, client: str, run: str) -> str:
    """Makes the client's lock fresh, and those of its cluster, only if they are this run's."""
    return (
        f"{PREAMBLE}for held in {_lock_words(spool, client)}; do\n"
        f'  {_is_mine(run)} && {CLOCK} > "$held/heartbeat"\n'
        "done\n"
    )


def free_slots_script(spool: str, run: str, *, room: str = "", locks: str = "") -> str:
    """Gives back every slot that this run holds; then clears ``room``, and gives back those of ``locks`` it holds.

    ``locks`` are words for the shell. All goes in this order by one command, since each takes its time.
    """
    mine = f'{_is_mine(run)} && gone="$gone $held"'
    return f"""\
gone=
for held in {shlex.quote(spool)}/slots/*; do {mine}; done
gone="$gone {room}"
{f"for held in {locks}; do {mine}; done" if locks else ""}
[ "$gone" = " " ] || rm -rf $gone
"""


@dataclass(frozen=True)
class LockAnswer:
    """What :func:`locks_script` said of one. ``clock``: the master's; ``age_s``: the heartbeat's, None if not known."""

    got: bool
    run: str
    owner: str
    age_s: float | None
    operation_running: bool
    clock: datetime | None

    @property
    def stale(self) -> bool:
        return not self.operation_running and self.age_s is not None and self.age_s > STALE_S


def parse_locks(text: str) -> list[LockAnswer]:
    """One answer for each lock that was come to, in their order.

    ValueError when there is none, or one is not whole: half of one could make a live lock look stale.
    """
    found: list[list[str]] = []
    for line in said(text):
        if line in ("got", "held"):
            found.append([])
        if found:
            found[-1].append(line)
    if not found:
        raise ValueError(f"not an answer about a lock: {text[:200]!r}")
    return [_lock_answer(lines) for lines in found]


def _lock_answer(lines: list[str]) -> LockAnswer:
    values = dict(line.partition(" ")[::2] for line in lines[1:])
    if not {"run", "heartbeat", "now", "operation"} <= values.keys():
        raise ValueError(f"not an answer about a lock, but half of one: {lines!r}")
    now, beat = moment(values["now"]), moment(values["heartbeat"])
    return LockAnswer(
        got=lines[0] == "got",
        run=values["run"],
        owner=values.get("owner", ""),
        age_s=(now - beat).total_seconds() if now and beat else None,
        operation_running=values["operation"] == "running",
        clock=now,
    )


def moment(clock: str) -> datetime | None:
    """The master's 14 digits as a time in UTC; None for anything else."""
    if re.fullmatch(r"\d{14}", clock.strip()) is None:
        return None
    return datetime.strptime(clock.strip(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _here(name: str, text: str) -> str:
    return f"cat > {name} <<'NIMWRAP_END'\n{text}NIMWRAP_END\n"


def start_script(plan: AttemptPlan, command: str, undo: str | None, owner: str) -> str:
    """Takes a free slot, writes the operation's files and starts its wrapper detached.

    Says ``started PID``, or ``busy`` when all slots are taken, ``exists`` when the room is there already, ``lost``
    when the client's lock is no longer this run's.
    """
    room, slots = shlex.quote(plan.room), shlex.quote(f"{plan.spool}/slots")
    lock = shlex.quote(lock_path(plan.spool, plan.client))
    stop = stop_text(plan, client_command(plan.channel, plan.client_host, client_stop_script(plan), 30) + "\n")
    files = [
        # The last command is a built-in one, so that no shell becomes the program before it: `stop` knows it by name.
        _here("command", f"{command}exit $?\n"),
        _here("stop", stop),
        _here("wrapper", wrapper_text(plan, lock_path(plan.spool, plan.client))),
        _here("plan", plan.to_json() + "\n"),
        _here("owner", owner + "\n"),
        # In a file, so that no script that looks at the operation carries the image's name in its arguments:
        # that name is how the image's writers are found.
        _here("image", plan.staged + "\n"),
    ]
    if undo is not None:
        files.insert(1, _here("undo", undo))
    return f"""\
{PREAMBLE}mask=$(umask); umask 077
{ALIVE}
[ -d {slots} ] || mkdir -p {slots} || exit 1
[ "$(cat {lock}/run 2>/dev/null)" = {shlex.quote(plan.run)} ] || {{ echo '{MARK}lost'; exit 0; }}
{CLOCK} > {lock}/heartbeat
[ -d {room} ] && {{ echo '{MARK}exists'; exit 0; }}
slot=
number=1
while [ $number -le {plan.max_parallel} ]; do
  if mkdir {slots}/$number 2>/dev/null; then slot=$number; break; fi
  number=$((number + 1))
done
if [ -z "$slot" ]; then
  for held in {slots}/*; do
    [ -s "$held/heartbeat" ] || {CLOCK} > "$held/heartbeat"
    holder=$(cat "$held/run" 2>/dev/null); state=gone; alive {shlex.quote(plan.spool)}/"$holder" && state=alive
    echo "{MARK}slot ${{held##*/}} $state $(cat "$held/heartbeat") $({CLOCK}) $holder"
  done
  echo '{MARK}busy'; exit 0
fi
echo {shlex.quote(plan.run)} > {slots}/$slot/run; {CLOCK} > {slots}/$slot/heartbeat
echo {shlex.quote(owner)} > {slots}/$slot/owner
mkdir {room} || {{ rm -rf {slots}/$slot; exit 1; }}
cd {room} || exit 1
{"".join(files)}
echo {slots}/$slot > slot; echo $mask > umask
[ -s wrapper ] && [ -s slot ] || {{ cd /; rm -rf {room} {slots}/$slot; exit 1; }}
boot="$(ps -p 1 -o etime= 2>/dev/null || echo unknown) $({CLOCK})"
echo $boot > boot; echo $boot > {lock}/boot
nohup /usr/bin/ksh {room}/wrapper < /dev/null > /dev/null 2>&1 &
echo $! > pid; echo $! > {lock}/pid
echo "{MARK}started $!"
"""


def stale_slots(busy: str) -> list[tuple[str, str]]:
    """Slots, as (number, run), that a ``busy`` :func:`start_script` showed to be held by nobody any more."""
    found = []
    for line in said(busy):
        words = line.split()
        if len(words) >= 5 and words[0] == "slot" and words[2] == "gone":
            beat, now = moment(words[3]), moment(words[4])
            if beat and now and (now - beat).total_seconds() > STALE_S:
                found.append((words[1], " ".join(words[5:])))
    return found


def free_stale_slot_script(spool: str, number: str, run: str) -> str:
    """Frees a stale slot, only if it is still that of ``run``; says ``freed``. The rename has one winner."""
    slot, aside = shlex.quote(f"{spool}/slots/{number}"), shlex.quote(f"{spool}/slots.stale.{run or number}")
    return f"""\
{PREAMBLE}[ "$(cat {slot}/run 2>/dev/null)" = {shlex.quote(run)} ] || exit 0
mv {slot} {aside} && rm -rf {aside} && echo "{MARK}freed"
"""


GONE = f"{MARK}gone"
"""The last line of what was given back and cleared; whatever else is said tells what was kept, and why."""


def _when_settled(room: str, then: str) -> str:
    """``then``, unless the room's wrapper is at work, or the undo beside it has still to be done."""
    path = shlex.quote(room)
    return f"""\
{ALIVE}
if [ ! -f {path}/done ] && alive {path}; then echo 'kept: its operation is running'
elif [ -f {path}/undo ] && [ "$(cat {path}/undo.rc 2>/dev/null)" != 0 ]; then echo 'kept: its undo is not done'
else
{then}echo '{GONE}'
fi
"""


def give_back_script(spool: str, client: str, run: str, room: str | None) -> str:
    """Frees the client's lock and the run's slots, and clears ``room`` if given: nothing of it under a live wrapper."""
    then = free_slots_script(spool, run, room=room or "", locks=_lock_words(spool, client))
    return PREAMBLE + _when_settled(room or f"{spool}/{run}", then)


def reset_room(plan: AttemptPlan) -> str:
    """Ends one attempt of a run that goes on: its slot is free, its room gone, the lock stays."""
    return PREAMBLE + _when_settled(plan.room, free_slots_script(plan.spool, plan.run, room=plan.room))
