"""The actors of the explorer: nimwrap's own functions just below the actions, and an administrator."""

from __future__ import annotations

import random
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from nimwrap.backup.backup_run import BackupRequest, BackupRun, RetryLater
from nimwrap.backup.cancellation import cancel_run
from nimwrap.backup.recovery import recover
from nimwrap.config.model import Config
from nimwrap.domain.lock_timing import STALE_S
from nimwrap.domain.ref import ClientRef
from nimwrap.history import run_lease
from nimwrap.images.observed_state import observe
from nimwrap.images.prune import held_clients, plan_prune, prune_clients
from nimwrap.images.reverify import Budget, verify, writing_in
from nimwrap.master_context import MasterContext
from tests.interleaving.actor import ActorClock, ActorHistory, ActorHost, Player, current
from tests.interleaving.master_disk import BEGAN

Act = Callable[[Player], str]
SILENCE_S = int(STALE_S) + 60


def _player() -> Player:
    player = current()
    assert player is not None, "only an actor works with runs here"
    return player


class ActorLease:
    """A run's lease in the explored control host."""

    def __init__(self, _state_dir: Path, run_id: str) -> None:
        self.run_id = run_id
        _player().ask("lease", "take", run_id)

    def release(self) -> None:
        _player().ask("lease", "release", self.run_id)

    def leave(self) -> None:
        _player().ask("lease", "leave", self.run_id)

    def __enter__(self) -> ActorLease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _alive(_state_dir: Path, run_id: str) -> bool:
    return bool(_player().ask("lease", "alive", run_id))


def _locks(_state_dir: Path) -> dict[str, datetime]:
    return dict.fromkeys(_player().ask("lease", "list", ""), BEGAN)


def _remove(_state_dir: Path, run_id: str) -> None:
    _player().ask("lease", "remove", run_id)


@contextmanager
def explored() -> Iterator[None]:
    """In this block leases and random names are those of the actors, and no log is written."""
    replaced: list[tuple[Any, Any]] = [
        (run_lease.RunLease, ActorLease),
        (run_lease.owner_alive, _alive),
        (run_lease.run_locks, _locks),
        (run_lease.remove_lease, _remove),
    ]
    plain_token, plain_share = secrets.token_hex, random.random

    def token(size: int = 32) -> str:
        player = current()
        return player.token(size) if player else plain_token(size)

    patches: list[Any] = [
        mock.patch("secrets.token_hex", token),
        mock.patch("random.random", lambda: 0.0 if current() else plain_share()),
        mock.patch.object(MasterContext, "log", lambda *_: None),
    ]
    for name, module in list(sys.modules.items()):
        if name.startswith("nimwrap.") and module is not run_lease:
            for old, new in replaced:
                patches += [mock.patch.object(module, key, new) for key, it in vars(module).items() if it is old]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def context_of(player: Player, config: Config) -> MasterContext:
    """One master as this actor works on it."""
    store: Any = ActorHistory(player, "store")
    reader: Any = ActorHistory(player, "reader")
    clock = ActorClock(player=player)
    return MasterContext(ActorHost(player), config.masters["nim"], config, store, reader, clock)


def backup(config: Config, client: str = "aix01") -> Act:
    """``nimwrap backup CLIENT``."""

    def act(player: Player) -> str:
        return _backed_up(context_of(player, config), BackupRequest(ClientRef("nim", client)))

    return act


def batch(config: Config, client: str = "aix01") -> Act:
    """A batch of serve: it recovers, and waits for a client that somebody works on."""

    def act(player: Player) -> str:
        context = context_of(player, config)
        recover(context, context.queries, wait=False)
        return _backed_up(context, BackupRequest(ClientRef("nim", client), retry_refusals=True))

    return act


def _backed_up(context: MasterContext, request: BackupRequest) -> str:
    run = BackupRun(context, request)
    while isinstance(done := run.step(), RetryLater):
        context.clock.sleep(done.wait_s)
    return f"{done.outcome} {done.failure.code if done.failure else ''}".strip()


def prune(config: Config) -> Act:
    """``nimwrap images prune``."""

    def act(player: Player) -> str:
        context = context_of(player, config)
        recover(context, context.queries, wait=False)
        now = context.clock.now()
        held, state = held_clients(context.queries, now), observe(context, now)
        planned = plan_prune(context.queries.images("nim"), config, held, state, now)
        return ", ".join(f"{each.action}: {each.reason}" for each in prune_clients(context, planned, now))

    return act


def verified(config: Config, *, full: bool = False) -> Act:
    """``nimwrap images verify``."""

    def act(player: Player) -> str:
        context = context_of(player, config)
        rows = context.queries.images("nim")
        busy = writing_in(context, context.queries)
        checks = verify(context, rows, rows if full else [], busy, Budget(lambda: None), context.clock.now())
        return ", ".join(str(check.skipped or check.fault or check.ok) for check in checks)

    return act


def recovering(config: Config) -> Act:
    """``nimwrap recover``."""

    def act(player: Player) -> str:
        context = context_of(player, config)
        done = recover(context, context.queries, wait=False)
        return f"closed {done.closed}, cleaned {done.cleaned}, running {done.running}, {done.notes}"

    return act


def cancelling(config: Config) -> Act:
    """``nimwrap cancel`` of whatever run is open."""

    def act(player: Player) -> str:
        context = context_of(player, config)
        rows = context.queries.open_runs("nim")
        if not rows:
            return "nothing to cancel"
        cancel_run(context, context.queries, rows[0].id)
        return f"cancelled {rows[0].id}"

    return act


def restoring(client: str = "aix01") -> Act:
    """An administrator allocates the oldest image of the client to it, looks, and gives it back later."""

    def act(player: Player) -> str:
        path = "PATH=/usr/bin:/usr/sbin; export PATH\n"
        oldest = f"lsnim -t mksysb | awk '$1 ~ /^{client}_/ {{ print $1 }}' | sort"
        allocate = f'nim -o allocate -a mksysb=$1 {client} && echo "took $1"'
        taken = player.ask("run", f'{path}set -- $({oldest})\n[ -n "$1" ] || exit 3\n{allocate}\n')
        if not taken.stdout.startswith("took "):
            return "NIM refused"
        name = taken.stdout.split()[1]
        player.ask("clock", 60)
        file = f"$(lsnim -l {name} | awk '$1 == \"location\" {{ print $3 }}')"
        look = f'lsnim -l {client} | grep {name} && [ -f "{file}" ] && echo whole\n'
        looked = player.ask("run", f"{path}{look}nim -o deallocate -a mksysb={name} {client}\n")
        return "restored" if "whole" in looked.stdout else f"bug: the image {name} was taken away: {looked}"

    return act


def silence(player: Player) -> str:
    """So much time passes that every lock whose holder does nothing grows stale."""
    player.ask("clock", SILENCE_S)
    return "time passed"
