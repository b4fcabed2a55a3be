"""The locks of a client and its cluster on their master: taken, taken over when a holder is proven gone, given back."""

from __future__ import annotations

import os
import re
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.lock_timing import BEAT_S, JOIN_S, beat_limit
from nimwrap.history.installation import installation_id
from nimwrap.history.run_lease import RunLease, owner_alive, run_locks
from nimwrap.locks import lock_scripts
from nimwrap.locks.guarded_host import GuardedHost
from nimwrap.locks.watched_heartbeat import silent_by_watch, tells_no_age
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class LockedBy(Failure):
    """Why a lock could not be had. ``holder``: the run that has it."""

    holder: str = ""


@dataclass(frozen=True)
class HeldLock:
    """A lock that was taken: ``clock`` is the master's time then, ``fence`` the lock's number."""

    clock: datetime
    fence: str


@contextmanager
def beating(context: MasterContext, client: str, run: str) -> Iterator[None]:
    """Keep the locks of a run fresh for as long as the block lasts, whatever long silent work is done in it.

    A lock that is not this run's any more is left alone. A beat that does not get through is made up by the next one:
    that the lock may go stale while the master is out of reach is what it is for.
    """
    done = threading.Event()
    script = lock_scripts.beat_script(context.master.spool, client, run)
    host = context.beats or context.host
    limit = beat_limit(context.master.most_parallel)

    def beat() -> None:
        while not context.clock.wait(done, BEAT_S):
            with suppress(NimwrapError):
                host.run(script, timeout=limit)

    thread = threading.Thread(target=beat, name=f"heartbeat of {run}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(JOIN_S)


INSTALLATION = " installation "
"""Before the id of the installation, at the end of what is written in a spool about whose something is."""


def owner_text(context: MasterContext) -> str:
    """Whose what lies in the spool is: host and process for a person who looks there, the installation for nimwrap."""
    installation = installation_id(context.config.state_dir)
    return f"{socket.gethostname()} pid {os.getpid()}{INSTALLATION}{installation}"


def take_locks(
    context: MasterContext, client: str, cluster: Sequence[str], run: str, journal: str | None = ""
) -> Failure | HeldLock:
    """Take the client's lock and those of its PowerHA cluster, so that two nodes of one are never backed up at once.

    ``cluster`` is all that the cluster is known by, its name first: a lock for each, since another node may know only
    a part. Returns the lock, or why they cannot be had; then none is held. A cluster's locks lie beside those
    of the clients; no client has their names, for NIM names have no dot.
    """
    journal = run if journal == "" else None
    safe = [re.sub("[^A-Za-z0-9_-]", "_", mark)[:60] for mark in cluster]
    names = [client, *dict.fromkeys(f"cluster.{mark}" for mark in safe)]
    result = context.act(
        journal, f"lock {client}", lock_scripts.locks_script(context.master.spool, names, run, owner_text(context))
    )
    try:
        answers = lock_scripts.parse_locks(result.stdout)
    except ValueError as error:
        return Failure(
            FailureCode.UNKNOWN,
            f"the spool {context.master.spool} on {context.master.name} cannot be used",
            f"make sure {context.master.spool} can be written there and has space",
            (result.stdout + result.stderr).strip() or str(error),
        )
    last, name = answers[-1], names[len(answers) - 1]
    if not last.got and last.run != run:
        if (last.stale or _watched_out(context, name, last)) and _taken_over(context, name, last, journal):
            return take_locks(context, client, cluster, run, journal and "")
        if len(answers) > 1:
            give_back(context, client, run)
        held = _held(context, name, last)
        if name == client:
            return held
        said = f"another node of the cluster {cluster[0]} is being backed up: {held.message}"
        return replace(held, message=said)
    if len(answers) < len(names) or last.clock is None:
        raise NimwrapError(
            f"{context.master.name} does not tell how the locks of {client} stand: {result.stdout[:200]!r}"
        )
    return HeldLock(last.clock, answers[0].fence)


def guarded(context: MasterContext, client: str, run: str, lock: HeldLock) -> MasterContext:
    """The context for work under the lock: each of its scripts first makes sure that the lock is still its own."""
    host = GuardedHost(context.host, context.master.spool, client, run, lock.fence)
    return replace(context, host=host, beats=context.beats or context.host, unguarded=context.host)


@contextmanager
def client_locked(context: MasterContext, client: str, purpose: str) -> Iterator[MasterContext | Failure]:
    """Work on what belongs to a client, beside no backup of it and no other such work; or why that cannot be now."""
    began = f"{context.clock.now():%Y%m%dT%H%M%S}"
    holder = f"{began}-{purpose}.{context.master.name}-{secrets.token_hex(3)}"
    with RunLease(context.config.state_dir, holder) as lease:
        try:
            lock = take_locks(context, client, (), holder, journal=None)
            if isinstance(lock, Failure):
                yield lock
            else:
                with beating(context, client, holder):
                    yield guarded(context, client, holder, lock)
        finally:
            # Also where taking it was not answered: it may have been taken all the same.
            if not _is_free(context, client, holder):
                lease.leave()  # the next recover of this host gives it back


def _is_free(context: MasterContext, client: str, holder: str) -> bool:
    """Give the lock back; False when nobody knows whether that was done."""
    try:
        return not give_back(context, client, holder)
    except NimwrapError:
        return False


def master_of(holder: str) -> str | None:
    """The master on which ``holder`` worked under a lock; None for a run, whose client's name has no dot."""
    _purpose, dot, master = holder.partition("-")[2].rpartition("-")[0].partition(".")
    return master if dot else None


def free_locks_of_the_dead(context: MasterContext, holders: Iterable[str]) -> set[str]:
    """Give back the locks of those of ``holders`` that were work of this host, and whose process is gone.

    Returns those of which nobody knows whether it was done.
    """
    ours = run_locks(context.config.state_dir)
    dead = [holder for holder in holders if holder in ours and not owner_alive(context.config.state_dir, holder)]
    spool = context.master.spool
    answers = {each: context.host.run(lock_scripts.free_all_script(spool, each)) for each in dead}
    return {each for each, answer in answers.items() if answer.unknown or answer.failed}


def _watched_out(context: MasterContext, name: str, lock: lock_scripts.LockAnswer) -> bool:
    """Whether a lock whose heartbeat tells no age is stale by evidence: operation gone, no change while we watched."""
    if lock.operation_running or not tells_no_age(lock.age_s):
        return False
    return silent_by_watch(context, f"the lock of {name}", lock.run, lock.heartbeat)


def _taken_over(context: MasterContext, name: str, holder: lock_scripts.LockAnswer, run: str | None) -> bool:
    """Put a stale lock aside; False when somebody else was quicker."""
    took = context.act(run, "take over a stale lock", lock_scripts.take_over_script(context.master.spool, name, holder))
    if "aside" not in lock_scripts.said(took.stdout):
        return False
    silent = "silent while it was watched" if tells_no_age(holder.age_s) else f"silent for {holder.age_s or 0:.0f} s"
    silent += ", its operation gone"
    context.note(run, "lock", f"took over the lock of {holder.run} ({holder.owner}): {silent}")
    return True


def locked_by_another(context: MasterContext, client: str, run: str) -> Failure | None:
    """Why the client's lock could not be had, without trying to take it; None when it is free, stale or ours."""
    said = context.act(run, "who holds the lock?", lock_scripts.peek_script(context.master.spool, client)).stdout
    try:
        (answer,) = lock_scripts.parse_locks(said)
    except ValueError:
        return None
    return None if answer.run == run or answer.stale else _held(context, client, answer)


def lock_lost(context: MasterContext, client: str, run: str) -> Failure:
    """Why a run that held the client's lock may not begin: whose it is now, or that it is gone."""
    gone = Failure(
        FailureCode.LOCKED,
        f"the lock of {client} was taken away from {run} before its operation began; nothing was started",
        "start the backup again; look who removed it, if no other nimwrap works with this master",
        lock_scripts.lock_path(context.master.spool, client),
    )
    return locked_by_another(context, client, run) or gone


def _held(context: MasterContext, client: str, answer: lock_scripts.LockAnswer) -> Failure:
    owner = answer.owner.partition(INSTALLATION)[0]
    state = "its operation is running" if answer.operation_running else "no operation of it is running"
    if tells_no_age(answer.age_s):
        state += f"; its heartbeat ({answer.heartbeat or 'none'}) is not of this time, so it is watched for ten minutes"
    return LockedBy(
        FailureCode.LOCKED,
        f"{client} is locked by run {answer.run or '(unnamed)'} of {owner or 'an unknown nimwrap'}; {state}",
        "wait for it; if that nimwrap died, `nimwrap recover` there finishes its run "
        "(a lock whose operation is gone is taken over after 10 minutes)",
        f"{lock_scripts.lock_path(context.master.spool, client)}: heartbeat {answer.age_s} s ago",
        answer.run,
    )


def give_back(context: MasterContext, client: str, run: str, *, room: str | None = None, first: str = "") -> str:
    """Give back the lock and every slot of this run, and clear its room; the next recover does it if this is lost.

    ``first``: silent shell text that is done in the same call, still under the lock.

    What a wrapper still works with, and an undo that was not done, stay: why anything was kept, else the empty text.
    """
    result = context.host.run(lock_scripts.give_back_script(context.master.spool, client, run, room, first))
    lines = result.stdout.strip().splitlines()
    if result.succeeded and lines[-1:] == [lock_scripts.GONE]:
        return ""
    if result.unknown:
        return "the connection was lost before it was cleared"
    return (lines or [result.stderr.strip() or "it could not be cleared"])[-1].removeprefix("kept: ")
