"""The shell texts that live in a run's spool directory and work without anybody being connected.

``SPOOL/RUN_ID/`` holds: ``command`` (the operation), ``undo`` (of the export change, if any), ``stop`` (ends the
operation, client side first), ``slot`` (where its slot is, and its places of limits), ``wrapper`` (runs them), and what
they write: ``pid``, ``command.pid``, ``boot``, ``out``, ``ended_at``, ``rc``, ``applied`` (the export's options, once
it is open) and ``applied_at``, ``undo.out``, ``undo.rc``, ``undone_at``, ``done``.
"""

from __future__ import annotations

import shlex

from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.lock_timing import WRAPPER_BEAT_S
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE, process_tree

GRACE_S = 300
"""How long after the timeout the wrapper itself ends the operation, when no nimwrap has done so."""

WATCH_S = 5
"""How often the wrapper looks whether its command still runs: each look is a process on the master, for each image."""

RUN_UNDO = (
    "/usr/bin/ksh ./undo > undo.out 2>&1 < /dev/null; undone=$?; "
    f"{CLOCK} > undone_at; echo $undone > undo.rc.new && mv undo.rc.new undo.rc"
)
"""In the room: undoes the export change; its status is there whole or not at all, and after the time of it."""

UNDO_IS_DUE = '[ -f undo ] && [ "$(cat undo.rc 2>/dev/null)" != 0 ]'
"""In the room: whether there is an export change that no undo has taken back yet."""


def wrapper_text(plan: AttemptPlan, lock: str) -> str:
    """The detached wrapper: runs ``command``, then ``undo``, whoever is alive; keeps lock and slot fresh meanwhile.

    What nimwrap writes is private; ``command`` has the umask of the login that started it.

    The slot, whose path stands in ``slot`` with those of the places that it has of limits, is free as soon as the image
    is no longer being made: whoever started it may be gone for good.
    """
    return f"""\
{PREAMBLE}trap '' HUP
cd {shlex.quote(plan.room)} || exit 1
echo $$ > pid
slots=$(cat slot)
( umask $(cat umask); exec /usr/bin/ksh {shlex.quote(f"{plan.room}/command")} ) > out 2>&1 < /dev/null &
command=$!
echo $command > command.pid
(
  seconds=0 over=
  while kill -0 $command 2>/dev/null; do
    sleep {WATCH_S}
    seconds=$((seconds + {WATCH_S}))
    if [ $((seconds % {WRAPPER_BEAT_S})) -eq 0 ]; then
      {CLOCK} > {shlex.quote(lock)}/heartbeat
      for slot in $slots; do {CLOCK} > "$slot/heartbeat"; done
    fi
    if [ -z "$over" ] && [ $seconds -ge {plan.timeout_s + GRACE_S} ]; then
      over=yes
      echo timed_out > ended_by
      /usr/bin/ksh ./stop > stop.out 2>&1 < /dev/null
    fi
  done
) > /dev/null 2>&1 &
watch=$!
wait $command
status=$?
{CLOCK} > ended_at
echo $status > rc
kill $watch 2>/dev/null
if [ -f undo ]; then
  {RUN_UNDO}
fi
for slot in $slots; do
  [ "$(cat "$slot/run" 2>/dev/null)" = {shlex.quote(plan.run)} ] && rm -rf "$slot"
done
{CLOCK} > done
"""


def stop_text(plan: AttemptPlan, client_stop: str) -> str:
    """Ends the operation: on the client first, then what is left of it on the master. Safe to run again.

    ``client_stop`` is shell text for the master that ends the client's side over the channel. The last line is
    ``stopped`` when no process of the operation is left on the master. After a reboot the number may be another
    process's: only one that runs this very ``command`` is signalled.
    """
    return f"""\
{PREAMBLE}cd {shlex.quote(plan.room)} || exit 1
{client_stop}
command=$(cat command.pid 2>/dev/null)
[ -n "$command" ] || {{ echo stopped; exit 0; }}
ours() {{ ps -p $command -o args= 2>/dev/null | grep {shlex.quote(f"{plan.run}/command")} > /dev/null; }}
waited=0
while [ ! -s rc ] && ours && [ $waited -lt 5 ]; do sleep 1; waited=$((waited + 1)); done
for signal in TERM KILL; do
  if [ -s rc ] || ! ours; then break; fi
  members=$({process_tree("$command")})
  for process in $members; do kill -$signal $process 2>/dev/null; done
  waited=0
  while ours && [ $waited -lt 5 ]; do sleep 1; waited=$((waited + 1)); done
done
if ours; then echo "still running: $command"; exit 1; fi
echo stopped
"""


def client_stop_script(plan: AttemptPlan) -> str:
    """Run on the client: ends every process that writes this image, then says which are left.

    They are known by the image's own dated name, or that of our own job, in their arguments, and by descent from those;
    the names are written with a bracket so that this script does not find itself. The master's own side of the
    operation names the image too and is no writer: some clients share the master's process table (a WPAR's).
    """
    image = f"[{plan.image_name[0]}]{plan.image_name[1:]}".replace(".", "[.]")
    pattern = f"{image}|[n]imwrap[.]{plan.run}.job"
    return f"""\
writers() {{
  ps -ef | awk -v me=$$ '
    {{ parent[$2] = $3; order[NR] = $2 }}
    $0 ~ /{pattern}/ && $0 !~ / -o define |m_mkbosi/ && $2 != me {{ member[$2] = 1 }}
    END {{
      for (again = 1; again; ) {{
        again = 0
        for (i = 1; i <= NR; i++) {{
          p = order[i]
          if (!(p in member) && (parent[p] in member) && p != me) {{ member[p] = 1; again = 1 }}
        }}
      }}
      for (p in member) print p
    }}'
}}
for signal in TERM KILL; do
  found=$(writers)
  [ -n "$found" ] || break
  for process in $found; do kill -$signal $process 2>/dev/null; done
  waited=0
  while [ -n "$(writers)" ] && [ $waited -lt 5 ]; do sleep 1; waited=$((waited + 1)); done
done
left=$(writers)
if [ -n "$left" ]; then echo "writers left:" $left; else echo "no writer left"; fi
"""
