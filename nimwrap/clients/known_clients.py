"""Every client that can be meant: from inventories, history and configuration, the master's own images included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.history.ports import Queries

if TYPE_CHECKING:
    from nimwrap.domain.records import Inventory

_PLAIN = (PLAIN_KIND,)
"""Nothing but what is made of any standalone machine: judged without a look at the kinds."""


class NimMachine(NamedTuple):
    """One machine of an inventory."""

    master: str
    name: str
    type: str


@dataclass(frozen=True)
class KnownClients:
    """The clients that targets are compared with, each once, by master.

    ``unfit``: those of a type that none of their kinds can be made of, which globs leave out. ``unreachable``: the
    masters that could not be asked for their clients just now, and why.
    """

    refs: tuple[ClientRef, ...]
    unfit: frozenset[ClientRef] = frozenset()
    unreachable: Mapping[str, NimwrapError] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, tuple[ClientRef, ...]]:
        """The clients that a plain name or ``master/client`` is the name of."""
        found: dict[str, tuple[ClientRef, ...]] = {}
        for ref in self.refs:
            found[ref.client] = (*found.get(ref.client, ()), ref)
            found[str(ref)] = (ref,)
        return found

    @cached_property
    def unknown_masters(self) -> tuple[str, ...]:
        """The unreachable masters of which not one client is known."""
        heard_of = {ref.master for ref in self.refs if ref.client != MASTER}
        return tuple(master for master in self.unreachable if master not in heard_of)

    def with_names(self, master: str, names: Iterable[str]) -> KnownClients:
        """These, and clients of one master that only it knows of."""
        found = (ClientRef(master, name) for name in names)
        return replace(self, refs=tuple(dict.fromkeys((*self.refs, *found))))


def current_clients(
    config: Config,
    reader: Queries,
    unreachable: Mapping[str, NimwrapError] | None = None,
    listed: Mapping[str, Inventory] | None = None,
) -> KnownClients:
    """Whoever can be backed up now: listed by the configured masters when they last answered, and not gone since.

    ``listed``: inventories taken just now, which need not stand in the history yet.
    """
    fresh = listed or {}
    machines = [NimMachine(master, one.name, one.type) for master in fresh for one in fresh[master].clients]
    if config.masters.keys() - fresh.keys():
        machines += [
            NimMachine(row.master, row.name, row.type)
            for row in reader.clients()
            if not row.vanished and row.master not in fresh
        ]
    return known_of(config, machines, unreachable)


def known_of(
    config: Config, machines: Iterable[NimMachine], unreachable: Mapping[str, NimwrapError] | None = None
) -> KnownClients:
    """The clients among the machines of inventories, with the configured masters that back themselves up."""
    machines = list(machines)
    by_master: dict[str, list[ClientRef]] = {master: [] for master in config.masters}
    for master, name, type_ in machines:
        if type_ != MASTER and master in by_master:
            by_master[master].append(ClientRef(master, name))
    for master, refs in by_master.items():
        if backs_itself_up(config, master):
            refs.append(ClientRef(master, MASTER))
    everyone = tuple(ref for refs in by_master.values() for ref in refs)
    return KnownClients(everyone, frozenset(_unfit(config, machines)), unreachable or {})


def recorded_clients(config: Config, reader: Queries) -> KnownClients:
    """Whoever has a run, an image or a place in an inventory, and whom the configuration names with its master."""
    configured = (_configured(name, config) for name in config.clients)
    themselves = (ClientRef(master, MASTER) for master in config.masters if backs_itself_up(config, master))
    return KnownClients(tuple(dict.fromkeys((*reader.known(), *filter(None, configured), *themselves))))


def backs_itself_up(config: Config, master: str) -> bool:
    """True where the configuration asks for the master's own image or its NIM database."""
    kinds = config.policy(master, MASTER).kinds
    if kinds == _PLAIN:
        return False
    from nimwrap.images.kinds.registry import KINDS

    return not all(KINDS[kind].through_client for kind in kinds)


def _unfit(config: Config, machines: Iterable[NimMachine]) -> Iterator[ClientRef]:
    """Machines of a type that none of their kinds can be made of: a VIOS, as long as nobody asks for its own kinds."""
    judged: dict[tuple[str, str, str], bool] = {}
    for master, name, type_ in machines:
        own = config.client(master, name).name if config.clients else ""
        key = (master, type_, name if config.group_policies else own if own in config.clients else "")
        if key not in judged:
            judged[key] = _fits(config, master, name, type_)
        if not judged[key]:
            yield ClientRef(master, name)


def _fits(config: Config, master: str, client: str, type_: str) -> bool:
    """True when one of the kinds configured for the client can be made of a machine of this type, or of any."""
    kinds = config.policy(master, client).kinds
    if not type_ or (type_ == "standalone" and kinds == _PLAIN):
        return True
    from nimwrap.images.kinds.registry import KINDS

    return any(type_ in KINDS[kind].machine_types for kind in kinds)


def _configured(name: str, config: Config) -> ClientRef | None:
    """The client of a table ``[clients.NAME]``; None where it does not say of which master, or is the master itself."""
    master, _, client = name.rpartition("/")
    if client == MASTER:
        return None
    if not master and len(config.masters) == 1:
        master = next(iter(config.masters))
    return ClientRef(master, client) if master else None
