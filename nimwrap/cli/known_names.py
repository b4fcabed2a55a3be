"""Names on the command line against the clients that the local history and the configuration know."""

from __future__ import annotations

from collections.abc import Sequence

from nimwrap.config.model import Config
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import GROUP, matches, members_of, unknown_client
from nimwrap.history.sqlite.queries import Reader


def clients_of(targets: Sequence[str], reader: Reader, config: Config) -> list[ClientRef]:
    """The clients that the targets mean, ``group:NAME`` included.

    Exit 2, with the nearest name, when a target means none; a member of a group may be unknown here.
    """
    known = everyone(reader, config)
    chosen: dict[ClientRef, None] = {}
    for target in targets:
        if target.startswith(GROUP):
            members = members_of(config.groups, target.removeprefix(GROUP))
            chosen.update(dict.fromkeys(ref for ref in known if any(matches(member, ref) for member in members)))
            continue
        found = [ref for ref in known if matches(target, ref)]
        if not found:
            raise unknown_client(target, known)
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def everyone(reader: Reader, config: Config) -> list[ClientRef]:
    """Every client with a run, in an inventory, or named with its master in the configuration."""
    configured = [_configured(name, config) for name in config.clients]
    return list(dict.fromkeys([*reader.known(), *(ref for ref in configured if ref)]))


def _configured(name: str, config: Config) -> ClientRef | None:
    master, _, client = name.rpartition("/")
    if not master and len(config.masters) == 1:
        master = next(iter(config.masters))
    return ClientRef(master, client) if master else None
