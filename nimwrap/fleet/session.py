"""What every verb that works on masters opens first: history, hosts, a fresh inventory, and the clients it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from nimwrap.clients.inventory import backs_itself_up, can_be_backed_up, take_inventory
from nimwrap.clients.selection import resolve_reachable
from nimwrap.config.model import Config
from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import ClientRef, Inventory, InventoryClient
from nimwrap.fleet.concurrency import map_concurrent
from nimwrap.fleet.learned_parallel import LearnedParallel
from nimwrap.history.sqlite.queries import Reader
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.shared_call import SharedCall
from nimwrap.images.kinds import MASTER
from nimwrap.master_context import FixedParallel, MasterContext

if TYPE_CHECKING:
    from nimwrap.history.sqlite.store import Store
    from nimwrap.hosts.protocol import Host


@dataclass
class Session:
    """What a fleet run works with; hosts by master name. ``left_by``: the signal that made us leave.

    ``listed`` is each master's inventory as last taken by this process.
    ``foresee`` says when the fleet at work will be done, as far as its history tells.
    """

    config: Config
    store: Store
    reader: Reader
    hosts: Mapping[str, Host]
    clock: Clock = field(default_factory=Clock)
    tell: Callable[[Progress], None] = lambda progress: None
    foresee: Callable[[], datetime | None] = lambda: None
    left_by: int | None = None
    listed: dict[str, Inventory] = field(default_factory=dict)
    unheard: list[NimwrapError] = field(default_factory=list)
    """Why masters were not asked that clients were wanted of, and of which no client is known."""
    polls: dict[str, SharedCall[Any, Any]] = field(default_factory=dict)
    learned: dict[str, LearnedParallel] = field(default_factory=dict)
    """Of each master whose number of images at once is learned."""

    def __post_init__(self) -> None:
        for name, master in self.config.masters.items():
            self.polls[name] = SharedCall()
            if master.learns_parallel:
                told = partial(self._tell_parallel, name)
                self.learned[name] = LearnedParallel(master, self.store, self.reader, self.clock, told)

    def _tell_parallel(self, master: str, reason: str) -> None:
        self.tell(Progress("", "parallel", note=f"{master}: {reason}"))

    def jobs_at_once(self, master: str) -> int:
        """How many clients of a master this process works on at once."""
        learned = self.learned.get(master)
        return learned.jobs() if learned else self.config.masters[master].most_parallel

    def master_context(self, master: str) -> MasterContext:
        """One master as a run works on it."""
        return MasterContext(
            self.hosts[master],
            self.config.masters[master],
            self.config,
            self.store,
            self.clock,
            self.tell,
            self.learned.get(master) or FixedParallel(),
            self.polls[master],
        )


class JobsAtOnce(Mapping[str, int]):
    """For a queue: how many clients of each master may be worked on at once, as it is at the moment of asking."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __getitem__(self, master: str) -> int:
        return self.session.jobs_at_once(master)

    def __iter__(self) -> Iterator[str]:
        return iter(self.session.config.masters)

    def __len__(self) -> int:
        return len(self.session.config.masters)


@contextmanager
def open_session(config: Config, clock: Clock | None = None, *, ahead: bool = False) -> Iterator[Session]:
    """A session over all configured masters; nothing is connected before its first command, unless ``ahead``."""
    hosts: dict[str, Host] = {}
    try:
        hosts.update({name: open_master(master, ahead=ahead) for name, master in config.masters.items()})
        from nimwrap.history.sqlite.store import Store

        with Store.open(config.database) as store, Reader.open(config.database) as reader:
            yield Session(config, store, reader, hosts, clock or Clock())
    finally:
        for host in hosts.values():
            host.close()


def refresh_inventories(session: Session) -> dict[str, NimwrapError]:
    """Ask every master for its clients, side by side, and record them; the masters that could not be asked.

    Those that have not answered when the clock's ``stop`` is set are among them.
    """

    def ask(master: str) -> NimwrapError | None:
        try:
            listed = take_inventory(session.hosts[master])
        except NimwrapError as error:
            session.store.inventory_failed(master, error.message, session.clock.now())
            return error
        session.listed[master] = listed
        session.store.record_inventory(master, listed.clients, session.clock.now())
        return None

    troubles = map_concurrent(ask, session.hosts, stop=session.clock.stop)
    for master in session.hosts.keys() - troubles.keys():
        troubles[master] = master_unreachable(f"master {master}: no answer before nimwrap was interrupted")
    return {master: error for master, error in troubles.items() if error is not None}


def known_clients(session: Session) -> dict[str, list[str]]:
    """The clients of every master as last seen, without those that vanished.

    The master itself is among them where the configuration asks for its database or its own image.
    """
    known: dict[str, list[str]] = {master: [] for master in session.config.masters}
    for row in session.reader.clients():
        if row["master"] in known and not row["vanished"]:
            known[row["master"]].append(row["name"])
    for master, names in known.items():
        if backs_itself_up(session.config, master):
            names.append(MASTER)
    return known


def refresh_and_select(
    session: Session, targets: Sequence[str], *, everything: bool, groups: Sequence[str]
) -> list[ClientRef]:
    """The clients asked for, against inventories taken now; of globs and all, those that an image can be made of.

    Raises usage errors before anything is started. While a master is out of reach its clients are those last seen,
    and a plain name that nobody knows is taken to be one of its own: the run then tells of the master's trouble.
    """
    troubles = refresh_inventories(session)
    known = known_clients(session)
    everywhere = {name for names in known.values() for name in names}
    for master in troubles:
        for target in targets:
            name = target.removeprefix(f"{master}/")
            if is_nim_name(name) and name not in everywhere:
                known[master].append(name)
                everywhere.add(name)
    if not everywhere and troubles:
        raise next(iter(troubles.values()))
    strange = [master for master in troubles if not set(known[master]) - {MASTER}]
    found, silent = resolve_reachable(session.config, known, strange, targets, all_=everything, groups=groups)
    session.unheard = [troubles[master] for master in silent]
    if session.unheard and not found:
        raise session.unheard[0]
    wanted, unfit = named(found, targets), _unfit(session)
    return [ref for ref in found if ref in wanted or ref not in unfit]


def _unfit(session: Session) -> set[ClientRef]:
    """Machines of a type that none of their kinds can be made of: a VIOS, as long as nobody asks for its own kinds."""
    rows = [row for row in session.reader.clients() if row["master"] in session.config.masters]
    return {
        ClientRef(row["master"], row["name"])
        for row in rows
        if row["type"]
        and not can_be_backed_up(session.config, row["master"], InventoryClient(row["name"], row["type"]))
    }


def named(refs: Sequence[ClientRef], targets: Sequence[str]) -> frozenset[ClientRef]:
    """Those of ``refs`` that the user wrote out, without glob or group."""
    return frozenset(ref for ref in refs if ref.client in targets or str(ref) in targets)
