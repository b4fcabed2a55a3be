"""What nimwrap does in a master's spool: slots, and starting detached operations.

Every function here makes the text of one script; :mod:`nimwrap.backup.operation` runs them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from nimwrap.backup.wrapper import client_stop_script, stop_text, wrapper_text
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.client_channel import client_command
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE
from nimwrap.locks.lock_scripts import ALIVE, MARK, free_slots_script, lock_path, moment, said, when_settled


def _here(name: str, text: str) -> str:
    return f"cat > {name} <<'NIMWRAP_END'\n{text}NIMWRAP_END\n"


def start_script(plan: AttemptPlan, command: str, undo: str | None, owner: str) -> str:
    """Takes a free slot, and one of each limit, writes the operation's files and starts its wrapper detached.

    Says ``started PID``, or ``busy`` when all slots are taken, ``busy LIMIT`` when those of a limit are, ``exists``
    when the room is there already, ``lost`` when the client's lock is no longer this run's.
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
# Made fresh before it is looked at: whoever takes it over sees either, and puts it back or leaves us without it.
{CLOCK} > {lock}/heartbeat 2>/dev/null
[ "$(cat {lock}/run 2>/dev/null)" = {shlex.quote(plan.run)} ] || {{ echo '{MARK}lost'; exit 0; }}
[ -d {room} ] && {{ echo '{MARK}exists'; exit 0; }}
slot=
number=1
while [ $number -le {plan.slots or plan.max_parallel} ]; do
  if mkdir {slots}/$number 2>/dev/null; then slot=$number; break; fi
  number=$((number + 1))
done
{_give_back_beyond(plan)}limited= full=
{_take_limits(plan)}{_say_busy(plan)}for held in {slots}/$slot $limited; do
  echo {shlex.quote(plan.run)} > $held/run; {CLOCK} > $held/heartbeat; echo {shlex.quote(owner)} > $held/owner
done
mkdir {room} || {{ rm -rf {slots}/$slot $limited; exit 1; }}
cd {room} || exit 1
{"".join(files)}
echo {slots}/$slot $limited > slot; echo $mask > umask
[ -s wrapper ] && [ -s slot ] || {{ cd /; rm -rf {room} {slots}/$slot $limited; exit 1; }}
boot="$(ps -p 1 -o etime= 2>/dev/null || echo unknown) $({CLOCK})"
echo $boot > boot; echo $boot > {lock}/boot
nohup /usr/bin/ksh {room}/wrapper < /dev/null > /dev/null 2>&1 &
echo $! > pid; echo $! > {lock}/pid
echo "{MARK}started $!"
"""


def _say_busy(plan: AttemptPlan) -> str:
    """Shell text for who has no slot: says who holds slots and places of limits, and ends there."""
    spool = shlex.quote(plan.spool)
    return f"""\
if [ -z "$slot" ]; then
  for held in {spool}/slots/* {spool}/limits/*; do
    [ -d "$held" ] || continue
    [ -s "$held/heartbeat" ] || {CLOCK} > "$held/heartbeat"
    holder=$(cat "$held/run" 2>/dev/null); state=gone; alive {spool}/"$holder" && state=alive
    place=${{held%/*}}; place=${{place##*/}}/${{held##*/}}
    echo "{MARK}slot $place $state $(cat "$held/heartbeat") $({CLOCK}) $holder"
  done
  echo "{MARK}busy${{full:+ $full}}"; exit 0
fi
"""


def _give_back_beyond(plan: AttemptPlan) -> str:
    """Shell text that gives the slot back when more are taken than may be now: others may hold higher numbers."""
    if plan.slots is None:
        return ""
    slots = shlex.quote(f"{plan.spool}/slots")
    return (
        f'[ -z "$slot" ] || {{ set -- {slots}/*; '
        f"[ $# -le {plan.max_parallel} ] || {{ rmdir {slots}/$slot; slot=; }}; }}\n"
    )


def _take_limits(plan: AttemptPlan) -> str:
    """Shell text that takes one place of each limit beside the slot, or leaves all of them and the slot."""
    if not plan.limits:
        return ""
    limits, slots = shlex.quote(f"{plan.spool}/limits"), shlex.quote(f"{plan.spool}/slots")
    all_of_them = " && ".join(f"take {shlex.quote(name)} {most}" for name, most in plan.limits)
    return f"""\
[ -d {limits} ] || mkdir -p {limits} || {{ rmdir {slots}/$slot; exit 1; }}
take() {{
  number=1
  while [ $number -le $2 ]; do
    if mkdir {limits}/$1.$number 2>/dev/null; then limited="$limited {limits}/$1.$number"; return 0; fi
    number=$((number + 1))
  done
  full=$1
  return 1
}}
[ -z "$slot" ] || {{ {all_of_them}; }} || {{ rmdir {slots}/$slot $limited; slot=; }}
"""


@dataclass(frozen=True)
class IdleSlot:
    """A slot, or a place of a limit, that no living operation holds. ``place``: its directory in the spool, ``slots/1``
    or ``limits/frame1.1``. ``age_s``: its heartbeat's, None when that is no time."""

    place: str
    run: str
    heartbeat: str
    age_s: float | None


def idle_slots(busy: str) -> list[IdleSlot]:
    """The slots that a ``busy`` :func:`start_script` showed to be held by no living operation."""
    found = []
    for line in said(busy):
        words = line.split()
        if len(words) >= 5 and words[0] == "slot" and words[2] == "gone":
            beat, now = moment(words[3]), moment(words[4])
            age = (now - beat).total_seconds() if beat and now else None
            found.append(IdleSlot(words[1], " ".join(words[5:]), words[3], age))
    return found


def free_stale_slot_script(spool: str, place: str, run: str, heartbeat: str) -> str:
    """Frees a stale slot, only if it is ``run``'s still, with that heartbeat; says ``freed``. One rename wins."""
    kind, _, name = place.partition("/")
    slot, aside = shlex.quote(f"{spool}/{place}"), shlex.quote(f"{spool}/{kind}.stale.{run or name}")
    return f"""\
{PREAMBLE}{ALIVE}
[ "$(cat {slot}/run 2>/dev/null)" = {shlex.quote(run)} ] || exit 0
mv {slot} {aside} || exit 0
if [ "$(cat {aside}/run 2>/dev/null)" = {shlex.quote(run)} ] \\
  && [ "$(cat {aside}/heartbeat 2>/dev/null)" = {shlex.quote(heartbeat)} ] \\
  && ! alive {shlex.quote(f"{spool}/{run or 'nobody'}")}
then rm -rf {aside} && echo "{MARK}freed"
else [ -d {slot} ] || mv {aside} {slot}
fi
"""


def reset_room(plan: AttemptPlan) -> str:
    """Ends one attempt of a run that goes on: its slot is free, its room gone, the lock stays."""
    return PREAMBLE + when_settled(plan.room, free_slots_script(plan.spool, plan.run, room=plan.room))
