"""The client's lock on its master: taken, taken over when its holder is proven gone, given back."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from datetime import datetime

from nimwrap.backup import spool
from nimwrap.backup.context import Site
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure


def owner_text() -> str:
    """Who holds a lock, for a person who looks into the spool."""
    return f"{socket.gethostname()} pid {os.getpid()}"


def take_lock(site: Site, client: str, run: str) -> Failure | datetime:
    """Take the lock and return the master's clock, or why it cannot be had."""
    script = spool.lock_script(site.master.spool, client, run, owner_text())
    result = site.act(run, "lock the client", script)
    try:
        answer = spool.parse_lock(result.stdout)
    except ValueError as error:
        return Failure(
            FailureCode.UNKNOWN,
            f"the spool {site.master.spool} on {site.master.name} cannot be used",
            f"make sure {site.master.spool} can be written there and has space",
            (result.stdout + result.stderr).strip() or str(error),
        )
    if not answer.got and answer.run != run and answer.stale:
        took = site.act(run, "take over a stale lock", spool.take_over_script(site.master.spool, client, answer.run))
        if "aside" in spool.said(took.stdout):
            silent = f"silent for {answer.age_s:.0f} s, its operation gone"
            site.note(run, "lock", f"took over the lock of {answer.run} ({answer.owner}): {silent}")
            return take_lock(site, client, run)
    if not answer.got and answer.run != run:
        return _held(site, client, answer)
    if answer.clock is None:
        raise NimwrapError(f"{site.master.name} does not tell its time: {result.stdout[:200]!r}")
    return answer.clock


def take_cluster_lock(site: Site, cluster: str, run: str) -> Failure | None:
    """Take the lock of a PowerHA cluster, so that two of its nodes are never backed up at once; why not, or None.

    It lies beside the clients' locks; no client has its name, for NIM names have no dot.
    """
    name = f"cluster.{re.sub('[^A-Za-z0-9_-]', '_', cluster)[:60]}"
    lock = take_lock(site, name, run)
    if not isinstance(lock, Failure):
        return None
    return replace(lock, message=f"another node of the cluster {cluster} is being backed up: {lock.message}")


def locked_by_another(site: Site, client: str, run: str) -> Failure | None:
    """Why the client's lock could not be had, without trying to take it; None when it is free, stale or ours."""
    said = site.act(run, "who holds the lock?", spool.peek_script(site.master.spool, client)).stdout
    try:
        answer = spool.parse_lock(said)
    except ValueError:
        return None
    return None if answer.run == run or answer.stale else _held(site, client, answer)


def lock_lost(site: Site, client: str, run: str) -> Failure:
    """Why a run that held the client's lock may not begin: whose it is now, or that it is gone."""
    gone = Failure(
        FailureCode.LOCKED,
        f"the lock of {client} was taken away from {run} before its operation began; nothing was started",
        "start the backup again; look who removed it, if no other nimwrap works with this master",
        spool.lock_path(site.master.spool, client),
    )
    return locked_by_another(site, client, run) or gone


def _held(site: Site, client: str, answer: spool.LockAnswer) -> Failure:
    state = "its operation is running" if answer.operation_running else "no operation of it is running"
    return Failure(
        FailureCode.LOCKED,
        f"{client} is locked by run {answer.run or '(unnamed)'} of {answer.owner or 'an unknown nimwrap'}; {state}",
        "wait for it; if that nimwrap died, `nimwrap recover` there finishes its run "
        "(a lock whose operation is gone is taken over after 10 minutes)",
        f"{spool.lock_path(site.master.spool, client)}: heartbeat {answer.age_s} s ago",
    )


def give_back(site: Site, client: str, run: str, *, room: str | None = None) -> None:
    """Give back the lock and every slot of this run, and clear its room; the next recover does it if this is lost.

    What a wrapper still works with, and an undo that was not done, stay.
    """
    site.host.run(spool.give_back_script(site.master.spool, client, run, room))
