"""A detached operation on the master: start it, follow it, end it, and settle what a dead wrapper left."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from nimwrap.aix.nim import completed, parse_progress
from nimwrap.backup import spool
from nimwrap.backup.operation_dirs import ASIDE
from nimwrap.backup.operation_status import OperationStatus, parse_statuses, poll_script
from nimwrap.backup.wrapper import GRACE_S, RUN_UNDO, UNDO_IS_DUE, client_stop_script
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.lock_timing import ANSWER_S, LOOK_S, STALE_S
from nimwrap.domain.progress import Progress
from nimwrap.hosts.client_channel import client_command, parse_channel
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images import image_probe as images
from nimwrap.images.kinds.registry import KINDS
from nimwrap.images.verification import READ_LIMIT_S
from nimwrap.locks import lock_scripts
from nimwrap.locks.watched_heartbeat import silent_by_watch, tells_no_age
from nimwrap.master_context import MasterContext
from nimwrap.remedies.registry import remedy

RECONNECT_S = 10

Answered = TypeVar("Answered")


class Start(StrEnum):
    STARTED = "started"
    BUSY = "busy"
    LOST = "lost"
    EXISTS = "exists"
    FAILED = "failed"


class StartUnknown(NimwrapError):  # noqa: N818  not known to be an error
    """The line was cut while an operation was being started, and the master did not come back to say whether it was."""


@dataclass(frozen=True)
class Started:
    """``text``: why it was not started, or what holds the slots; ``limit``: the one of ``[limits]`` that is used up.
    LOST: the client's lock is another run's, or nobody's; EXISTS: the run has a room already, of an earlier attempt."""

    state: Start
    text: str = ""
    limit: str = ""


def start(context: MasterContext, plan: AttemptPlan, command: str, undo: str | None, owner: str) -> Started:
    """Start the operation detached. A connection lost on the way is resolved by looking whether the room is there."""
    result = context.act(plan.run, "start", spool.start_script(plan, command, undo, owner))
    if result.unknown:
        try:
            there = poll(context, plan, 0).room
        except NimwrapError as error:
            raise StartUnknown(error.message, code=error.code, hint=error.hint, exit_code=error.exit_code) from error
        if there:
            return Started(Start.STARTED)
        raise master_unreachable(
            f"the connection to {plan.master} was lost before the operation was started there", "start the backup again"
        )
    last = (lock_scripts.said(result.stdout) or [""])[-1]
    if last.startswith("started "):
        return Started(Start.STARTED)
    word, _, limit = last.partition(" ")
    if word == Start.BUSY:
        for slot in spool.idle_slots(result.stdout):
            if not _is_stale(context, slot):
                continue
            free = spool.free_stale_slot_script(plan.spool, slot.place, slot.run, slot.heartbeat)
            context.act(plan.run, f"free {slot.place}, which the dead run {slot.run or '(unnamed)'} held", free)
        return Started(Start.BUSY, result.stdout, limit)
    if last in (Start.LOST, Start.EXISTS):
        return Started(Start(last))
    return Started(Start.FAILED, (result.stdout + result.stderr).strip() or "the master's spool could not be written")


def _is_stale(context: MasterContext, slot: spool.IdleSlot) -> bool:
    if tells_no_age(slot.age_s):
        return silent_by_watch(context, slot.place, slot.run, slot.heartbeat)
    return slot.age_s is not None and slot.age_s > STALE_S


def poll(context: MasterContext, plan: AttemptPlan, wait_s: int) -> OperationStatus:
    """The operation's state now, or when it ends within ``wait_s``; keeps trying while the master is out of reach."""
    return _persistent(context, plan, lambda: _ask(context, plan, wait_s))


def _ask(context: MasterContext, plan: AttemptPlan, wait_s: int) -> OperationStatus:
    status = _ask_all(context, [plan], wait_s).get(plan.run)
    if status is None:
        raise ValueError(f"the answer says nothing of {plan.run}")
    return status


def _ask_all(context: MasterContext, plans: Sequence[AttemptPlan], wait_s: int) -> Mapping[str, OperationStatus]:
    """One call for all of these operations. ValueError or NimwrapError when it brings no whole answer."""
    result = (context.unguarded or context.host).run(poll_script(plans, wait_s), timeout=wait_s + ANSWER_S)
    if result.unknown:
        raise ValueError("connection lost")
    answer = parse_statuses(result.stdout, [plan.run for plan in plans])
    context.parallel.saw(answer.making)
    return answer.operations


def _look_s(plan: AttemptPlan) -> int:
    return min(LOOK_S, max(1, plan.stall_s // 4))


def patient(context: MasterContext, plan: AttemptPlan, ask: Callable[[], Answered]) -> Answered:
    """What the master answers, asked again while it is out of reach, for as long as the operation itself may take.

    ``ask`` is safe to run again. Raises NimwrapError when it never answered, or for another reason.
    """
    giving_up = context.clock.monotonic() + plan.timeout_s + GRACE_S  # by then the master has ended it by itself
    while True:
        try:
            return ask()
        except NimwrapError as error:
            if error.code != FailureCode.MASTER_UNREACHABLE or context.clock.monotonic() > giving_up:
                raise
            trouble = error.message
        context.tell(Progress(plan.run, "reconnect", plan.client, note=trouble))
        context.clock.sleep(RECONNECT_S)


def _persistent(context: MasterContext, plan: AttemptPlan, ask: Callable[[], OperationStatus]) -> OperationStatus:
    def asked() -> OperationStatus:
        try:
            return ask()
        except ValueError as error:
            trouble = str(error)
        except NimwrapError as error:
            if error.code == FailureCode.LOCKED:
                raise
            trouble = error.message
        raise master_unreachable(
            f"{plan.master} does not say how {plan.run} stands: {trouble}", "nimwrap recover goes on from there"
        )

    return patient(context, plan, asked)


def follow(context: MasterContext, plan: AttemptPlan, *, elapsed_s: float = 0.0) -> OperationStatus:
    """Watch the operation to its end, or until its wrapper is gone, and return the last look.

    ``elapsed_s``: how long it ran before we came. A stall gathers evidence and ends nothing, unless the image is
    complete and no writer is left; the timeout ends the operation, client side first.
    """
    patience = _Patience(context.clock.monotonic(), plan.stall_s)
    began, pause, noted = context.clock.monotonic() - elapsed_s, 0.1, False

    def together(plans: Sequence[AttemptPlan]) -> Mapping[str, OperationStatus]:
        return _ask_all(context, plans, min(_look_s(each) for each in plans))

    with context.polls.following(plan.run, plan):
        while True:
            context.clock.check()
            if pause < 1:  # a short one is not to wait for the polls of the others
                context.clock.sleep(pause)
                pause *= 1.3
                now = poll(context, plan, 0)
            else:
                now = _persistent(context, plan, lambda: context.polls.next(plan.run, together, context.clock.check))
            elapsed = context.clock.monotonic() - began
            _tell(context, plan, now, elapsed)
            if plan.change is not None and not noted and now.applied is not None and not now.done:
                noted = note_open(context, plan.change, now)
            if now.done or not now.room:
                context.parallel.written(plan.run)
                return now
            if not now.alive:
                return now
            if elapsed > plan.timeout_s:
                context.parallel.trouble()
                end(context, plan, "timed_out")
            elif patience.over(now, context.clock.monotonic()):
                context.parallel.trouble()
                if _finished_but_hanging(context, plan, now):
                    end(context, plan, "evidence")


@dataclass
class _Patience:
    """How long an operation without a sign of life is left alone: ever longer once it was looked into."""

    changed: float
    limit_s: float
    seen: tuple[int, int] = (-1, -1)
    first_s: float = 0.0

    def __post_init__(self) -> None:
        self.first_s = self.limit_s

    def over(self, now: OperationStatus, at: float) -> bool:
        if (now.size or 0, now.written or 0) != self.seen:
            self.seen, self.changed, self.limit_s = (now.size or 0, now.written or 0), at, self.first_s
        if at - self.changed <= self.limit_s:
            return False
        self.limit_s *= 2
        return True


def note_open(context: MasterContext, change: int, now: OperationStatus) -> bool:
    """Write down when the export was seen open; False when that cannot be written now, and comes with the next look."""
    try:
        context.store.change_applied(change, now.applied, now.applied_at or now.now or context.clock.now())
    except NimwrapError:
        return False
    return True


def end(context: MasterContext, plan: AttemptPlan, by: str) -> OperationStatus:
    """End the operation, client side first; ``by`` is kept beside it as the reason. How it stands then."""
    room = shlex.quote(plan.room)
    script = (
        f"{PREAMBLE}cd {room} || exit 1\n[ -f ended_by ] || echo {by} > ended_by\n"
        "/usr/bin/ksh ./stop > stop.out 2>&1; status=$?; cat stop.out; exit $status\n"
    )
    return _persistent(context, plan, lambda: _done_and_seen(context, plan, f"end the operation ({by})", script))


def settle(context: MasterContext, plan: AttemptPlan) -> OperationStatus:
    """What the wrapper could not do because it was killed or the master went down: stop the rest, run the undo."""
    there = remedy(plan.method).clean_client(plan)
    clean = client_command(plan.channel, plan.client_host, there.script, 120) if there else ""
    script = f"""\
{PREAMBLE}cd {shlex.quote(plan.room)} || exit 1
[ -s rc ] || [ -f ended_by ] || echo killed > ended_by
/usr/bin/ksh ./stop > stop.out 2>&1; cat stop.out
{{ {clean or ":"}
}} > settle.out 2>&1; cat settle.out
if {UNDO_IS_DUE}; then
  {RUN_UNDO}
  cat undo.out
fi
"""
    # Nothing is concluded over a command that may live, or an export that may stand: it is done again until it is said.
    label = "settle what the wrapper left"
    return _persistent(context, plan, lambda: _done_and_seen(context, plan, label, script))


def _done_and_seen(context: MasterContext, plan: AttemptPlan, label: str, script: str) -> OperationStatus:
    """How the operation stands after a script that may be run again; ValueError when the script was not answered."""
    if context.act(plan.run.partition(ASIDE)[0], label, script, timeout=300).unknown:
        raise ValueError("the connection was lost meanwhile")
    return _ask(context, plan, 0)


def undo_again(context: MasterContext, plan: AttemptPlan) -> OperationStatus:
    """Run the undo that lies beside an ended operation, if it is due; how the operation stands then.

    ``plan.run`` is the directory's name. Nothing is written down about an export before its undo was tried.
    """
    script = f"{PREAMBLE}cd {shlex.quote(plan.room)} || exit 1\nif {UNDO_IS_DUE}; then {RUN_UNDO}; cat undo.out; fi\n"
    label = "undo what is still to be undone"
    return _persistent(context, plan, lambda: _done_and_seen(context, plan, label, script))


def writers_left(context: MasterContext, plan: AttemptPlan, label: str) -> bool | None:
    """Whether the client still writes this image; None when it does not answer. Changes nothing."""
    listing = client_stop_script(plan).partition("for signal in")[0]
    script = f"""\
{listing}left=$(writers)
if [ -n "$left" ]; then echo "writers left:" $left; ps -ef; else echo "no writer left"; fi
"""
    command = client_command(plan.channel, plan.client_host, script, 30)
    result = context.act(plan.run, label, PREAMBLE + command, timeout=90)
    answer = parse_channel(result.stdout)
    if not answer.reached or "writer" not in answer.output:
        return None
    return "writers left:" in answer.output


def _finished_but_hanging(context: MasterContext, plan: AttemptPlan, now: OperationStatus) -> bool:
    """No sign of life: gather evidence. True only when the image is complete and nobody writes it any more."""
    writing = writers_left(context, plan, "no sign of life: is the client still writing?")
    complete = completed(now.output)
    read = "" if complete or writing is not False else _read_to_its_end(context, plan, now)
    context.note(
        plan.run,
        "stall",
        f"no growth of image or output for {plan.stall_s} s; "
        f"0512-038 {'seen' if complete else 'not seen'}{read and f', but {read}'}; "
        f"writers on the client: {'unknown' if writing is None else 'yes' if writing else 'none'}",
        {"size": now.size, "output": now.output[-2000:]},
    )
    context.tell(Progress(plan.run, "stalled", plan.client, size_bytes=now.size, note="no sign of life"))
    return bool(complete or read) and writing is False


def _read_to_its_end(context: MasterContext, plan: AttemptPlan, now: OperationStatus) -> str:
    """That the image of an operation without a last word is whole, in words; empty when it is not, or has grown."""
    place = images.Place(KINDS[plan.kind], plan.staged, None)
    if not now.size or not place.kind.proof.full_reader:
        return ""
    asked = images.questions(place, images.Depth(read_s=READ_LIMIT_S))
    try:
        given = images.ask(context.host, asked, timeout=READ_LIMIT_S + 600)
    except NimwrapError:
        return ""
    seen = images.seen(place, given)
    if not seen.read_whole or seen.header is None or seen.size_bytes != now.size:
        return ""
    return f"all {now.size} bytes of the image could be read, and it did not grow"


def _tell(context: MasterContext, plan: AttemptPlan, now: OperationStatus, elapsed: float) -> None:
    files = parse_progress(now.output)
    context.tell(
        Progress(
            plan.run,
            "image",
            plan.client,
            percent=files.percent if files else None,
            files=files.done if files else None,
            total=files.total if files else None,
            size_bytes=now.size,
            elapsed_s=elapsed,
        )
    )
