"""Whom a schedule means, by the clients that the masters listed last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nimwrap.clients.selection import members, resolve
from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import is_glob
from nimwrap.history.sqlite.queries import Reader
from nimwrap.scheduling.model import Schedule


def last_seen(config: Config, reader: Reader) -> dict[str, list[str]]:
    """The clients of each master in the stored inventories, without those that vanished."""
    known: dict[str, list[str]] = {master: [] for master in config.masters}
    for row in reader.clients():
        if row.master in known and not row.vanished:
            known[row.master].append(row.name)
    return known


def clients_of(config: Config, known: Mapping[str, Sequence[str]], schedule: Schedule) -> list[ClientRef]:
    """The clients of a schedule, each once, in its order.

    A plain name that no master lists is one too: its run says that the client is unknown. Where several masters could
    be meant, its master is ``""``. Groups are taken apart, so that one unknown member takes nobody else with it.
    """
    found: list[ClientRef] = []
    for target in (member for named in schedule.targets for member in members(config, named)):
        try:
            found += resolve(config, known, [target])
        except NimwrapError:
            if not is_glob(target):
                found.append(_stranger(config, target))
    return list(dict.fromkeys(found))


def _stranger(config: Config, target: str) -> ClientRef:
    master, _, client = target.rpartition("/")
    if not master and len(config.masters) == 1:
        master = next(iter(config.masters))
    return ClientRef(master if master in config.masters else "", client)
