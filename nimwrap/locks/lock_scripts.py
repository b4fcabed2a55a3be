"""The locks of a client and its cluster as directories in a master's spool: the text of each script.

Directories made with mkdir are the locks, because mkdir is atomic everywhere and survives whoever made it. A lock has
its holder in ``run``, a heartbeat by the master's clock, and in ``fence`` a number that grows with every take-over: the
clock when it was taken, since a lock is taken over only when it is older than its last heartbeat by STALE_S.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nimwrap.domain.lock_timing import STALE_S
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE

LOST = 76
"""Status of a guarded script whose lock is gone: it has changed nothing."""
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
    cp "$lock/heartbeat" "$lock/fence"
    [ -s "$lock/run" ] && [ -s "$lock/fence" ] || {{ rm -rf "$lock"; echo "nothing can be written there"; exit 1; }}
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
echo "{MARK}fence $(cat "$lock/fence" 2>/dev/null)"
echo "{MARK}heartbeat $(cat "$lock/heartbeat" 2>/dev/null)"
echo "{MARK}now $({CLOCK})"
holder={shlex.quote(spool)}/$(cat "$lock/run" 2>/dev/null)
if alive "$holder"; then echo "{MARK}operation running"; else echo "{MARK}operation gone"; fi
"""


def take_over_script(spool: str, client: str, judged: LockAnswer) -> str:
    """Puts a stale lock aside and removes it, only if it is still as it was ``judged``; says ``aside``.

    The rename has one winner. After it nobody can make the lock fresh any more, so what it is found to be then is what
    it was: with a new heartbeat or a living wrapper it is put back, for its holder has come back meanwhile.
    """
    lock, holder = shlex.quote(lock_path(spool, client)), judged.run
    aside = shlex.quote(f"{lock_path(spool, client)}.stale.{holder or 'nobody'}")
    return f"""\
{PREAMBLE}{ALIVE}
[ "$(cat {lock}/run 2>/dev/null)" = {shlex.quote(holder)} ] || exit 0
mv {lock} {aside} || exit 0
if [ "$(cat {aside}/run 2>/dev/null)" = {shlex.quote(holder)} ] \\
  && [ "$(cat {aside}/heartbeat 2>/dev/null)" = {shlex.quote(judged.heartbeat)} ] \\
  && ! alive {shlex.quote(f"{spool}/{holder or 'nobody'}")}
then rm -rf {aside} && echo "{MARK}aside"
else [ -d {lock} ] || mv {aside} {lock}
fi
"""


def holds(spool: str, client: str, run: str, fence: str) -> str:
    """A shell condition: the client's lock is held by ``run`` under the number ``fence``."""
    lock = shlex.quote(lock_path(spool, client))
    return f'[ "$(cat {lock}/run 2>/dev/null) $(cat {lock}/fence 2>/dev/null)" = {shlex.quote(f"{run} {fence}")} ]'


def guard(spool: str, client: str, run: str, fence: str) -> str:
    """How every script begins that changes something: it ends with status LOST when the lock is not held any more.

    Then it prints ``lost`` and, where somebody holds the lock, its run.
    """
    holder = f"cat {shlex.quote(lock_path(spool, client))}/run 2>/dev/null"
    return f'{holds(spool, client, run, fence)} || {{ echo "{MARK}lost $({holder})"; exit {LOST}; }}\n'


def beat_script(spool: str, client: str, run: str) -> str:
    """Makes the client's lock fresh, and those of its cluster, only if they are this run's."""
    return (
        f"{PREAMBLE}for held in {_lock_words(spool, client)}; do\n"
        f'  {_is_mine(run)} && {CLOCK} > "$held/heartbeat"\n'
        "done\n"
    )


def free_slots_script(spool: str, run: str, *, room: str = "", locks: str = "") -> str:
    """Gives back every slot and place of a limit that this run holds; then clears ``room``, and gives back those of
    ``locks`` it holds.

    ``locks`` are words for the shell. Each is put aside before it is looked at once more: what another run has taken
    meanwhile is put back.
    """
    free = f"""\
free() {{
  {_is_mine(run)} || return 0
  mv "$held" "$held.free.$$" 2>/dev/null || return 0
  if [ "$(cat "$held.free.$$/run" 2>/dev/null)" = {shlex.quote(run)} ]; then rm -rf "$held.free.$$"
  else [ -d "$held" ] || mv "$held.free.$$" "$held"
  fi
}}
"""
    each = "do free; done\n"
    return (
        f"{free}for held in {shlex.quote(spool)}/slots/* {shlex.quote(spool)}/limits/*; {each}"
        + (f"rm -rf {room}\n" if room else "")
        + (f"for held in {locks}; {each}" if locks else "")
    )


def free_all_script(spool: str, holder: str) -> str:
    """Gives back whatever locks ``holder`` holds."""
    return PREAMBLE + free_slots_script(spool, holder, locks=f"{shlex.quote(spool)}/locks/*")


@dataclass(frozen=True)
class LockAnswer:
    """What :func:`locks_script` said of one. ``clock``: the master's; ``age_s``: the heartbeat's, None if not known."""

    got: bool
    run: str
    owner: str
    age_s: float | None
    operation_running: bool
    clock: datetime | None
    fence: str = ""
    heartbeat: str = ""

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
        fence=values.get("fence", ""),
        heartbeat=values["heartbeat"],
    )


def moment(clock: str) -> datetime | None:
    """The master's 14 digits as a time in UTC; None for anything else."""
    if re.fullmatch(r"\d{14}", clock.strip()) is None:
        return None
    return datetime.strptime(clock.strip(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)


GONE = f"{MARK}gone"
"""The last line of what was given back and cleared; whatever else is said tells what was kept, and why."""


def when_settled(room: str, then: str) -> str:
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


def give_back_script(spool: str, client: str, run: str, room: str | None, first: str = "") -> str:
    """Frees the client's lock and the run's slots, and clears ``room`` if given: nothing of it under a live wrapper.

    ``first`` is done before, if the lock is this run's.
    """
    then = free_slots_script(spool, run, room=room or "", locks=_lock_words(spool, client))
    held = f"held={shlex.quote(lock_path(spool, client))}\nif {_is_mine(run)}; then\n{first}fi\n" if first else ""
    return PREAMBLE + held + when_settled(room or f"{spool}/{run}", then)


def heartbeats_script(spool: str) -> str:
    """Says of each lock and slot its heartbeat, and the time."""
    return f"""\
for held in {shlex.quote(spool)}/locks/* {shlex.quote(spool)}/slots/* {shlex.quote(spool)}/limits/*; do
  [ -f "$held/run" ] && echo "{MARK}beat ${{held%/*}} ${{held##*/}} $({CLOCK}) $(cat "$held/heartbeat" 2>/dev/null)"
done
:"""


def parse_heartbeats(text: str) -> list[tuple[str, float | None]]:
    """By lock or slot the age of its heartbeat in seconds; None where it has none that is a time."""
    found = []
    for words in (line.split() for line in said(text)):
        if words[0] == "beat" and len(words) >= 4:
            now, beat = moment(words[3]), moment(words[4]) if len(words) > 4 else None
            age = (now - beat).total_seconds() if now and beat else None
            found.append((f"{words[1].rpartition('/')[2]}/{words[2]}", age))
    return found
