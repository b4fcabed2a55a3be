"""Whom a schedule means: what is selected, and a row for every name that means nobody, so that it fails in sight."""

from __future__ import annotations

from collections.abc import Iterator

from nimwrap.clients.known_clients import KnownClients
from nimwrap.clients.selection import Selection, Unresolved, select
from nimwrap.config.model import Config
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import GROUP, is_glob
from nimwrap.scheduling.model import Schedule


def clients_of(config: Config, known: KnownClients, schedule: Schedule) -> list[ClientRef]:
    """The clients of a schedule, each once, and those of its names that no master, or more than one, has.

    A glob that matches nobody is nobody's row.
    """
    return rows_of_selection(config, select(schedule.targets, known, config.groups))


def rows_of_selection(config: Config, selection: Selection) -> list[ClientRef]:
    """A slot's rows: the clients, and the names unresolved; of one whose master nobody can tell that is ``""``."""
    return list(dict.fromkeys((*selection.refs, *_unresolved(config, selection.unresolved))))


def _unresolved(config: Config, targets: tuple[Unresolved, ...]) -> Iterator[ClientRef]:
    for each in targets:
        if is_glob(each.target) or each.target.startswith(GROUP):
            continue
        master, _, client = each.target.rpartition("/")
        if not master and len(config.masters) == 1:
            master = next(iter(config.masters))
        yield ClientRef(master if master in config.masters else "", client)
