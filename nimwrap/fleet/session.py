"""What every verb that works on masters opens first: history, hosts, a fresh inventory, and the clients it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from nimwrap.clients.exports_left import ExportRows
from nimwrap.clients.inventory import AlsoLook, take_inventory
from nimwrap.clients.known_clients import backs_itself_up, current_clients
from nimwrap.clients.selection import Selection, select
from nimwrap.clients.target_errors import all_resolved
from nimwrap.concurrency import map_concurrent
from nimwrap.config.model import Config
from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import Inventory, InventoryClient
from nimwrap.domain.ref import MASTER
from nimwrap.fleet.learned_parallel import LearnedParallel
from nimwrap.history.slot_claims import SlotClaims
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.shared_call import SharedCall
from nimwrap.images.sightings import write_down
from nimwrap.master_context import FixedParallel, MasterContext

if TYPE_CHECKING:
    from nimwrap.history.ports import Queries
    from nimwrap.history.sqlite.store import Store
    from nimwrap.hosts.protocol import Host


@dataclass(frozen=True)
class Session:
    """What a fleet run works with; hosts by master name. ``tell`` receives progress; it must not raise.

    ``listed`` is each master's inventory as last taken by this process; ``learned`` those whose number of images
    at once is learned; ``polls`` the operations that this process follows, by master.
    """

    config: Config
    store: Store
    reader: Reader
    hosts: Mapping[str, Host]
    clock: Clock = field(default_factory=Clock)
    tell: Callable[[Progress], None] = lambda progress: None
    listed: dict[str, Inventory] = field(default_factory=dict)
    beats: Mapping[str, Host] = field(default_factory=dict)
    """Ways to the masters for heartbeats alone, so that no long command keeps them waiting."""
    polls: dict[str, SharedCall[Any, Any]] = field(default_factory=dict)
    learned: dict[str, LearnedParallel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, master in self.config.masters.items():
            self.polls.setdefault(name, SharedCall())
            if master.learns_parallel and name not in self.learned:
                told = partial(self._tell_parallel, name)
                self.learned[name] = LearnedParallel(master, self.store, self.reader, self.clock, told)

    @property
    def slots(self) -> SlotClaims:
        """The slots of schedules, of which this process claims its share."""
        return SlotQueue(self.store, self.reader)

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
            self.reader,
            self.clock,
            self.tell,
            self.learned.get(master) or FixedParallel(),
            self.polls[master],
            self.beats.get(master),
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


def _nobody(progress: Progress) -> None:
    """Progress that nobody watches."""


@contextmanager
def open_session(
    config: Config, clock: Clock | None = None, *, ahead: bool = False, tell: Callable[[Progress], None] = _nobody
) -> Iterator[Session]:
    """A session over all configured masters; nothing is connected before its first command, unless ``ahead``."""
    hosts: dict[str, Host] = {}
    beats: dict[str, Host] = {}
    try:
        beats.update({name: open_master(master) for name, master in config.masters.items()})
        hosts.update({name: open_master(master, ahead=ahead) for name, master in config.masters.items()})
        from nimwrap.history.sqlite.store import Store

        with Store.open(config.database) as store, Reader.open(config.database) as reader:
            yield Session(config, store, reader, hosts, clock or Clock(), tell, beats=beats)
    finally:
        for host in [*hosts.values(), *beats.values()]:
            host.close()


def list_clients(
    hosts: Mapping[str, Host], config: Config, queries: Queries, stop: Event | None = None
) -> dict[str, Inventory | NimwrapError]:
    """Ask every master for its clients and the files of its images, side by side: its inventory, or why there is none.

    Those that have not answered when ``stop`` is set are left out.
    """

    also = {
        master: AlsoLook(
            config.masters[master].spool,
            [row.location for row in queries.images(master)],
            ExportRows.of(queries, master),
        )
        for master in hosts
    }

    def ask(master: str) -> Inventory | NimwrapError:
        try:
            return take_inventory(hosts[master], also[master])
        except NimwrapError as error:
            return error

    return map_concurrent(ask, hosts, stop=stop)


def record_inventories(
    store: Store, queries: Queries, config: Config, found: Mapping[str, Inventory | NimwrapError], now: datetime
) -> None:
    """Write down what the masters answered, of their clients and of the files of images there.

    A master that backs itself up is one of its own clients.
    """
    for master, one in found.items():
        if isinstance(one, NimwrapError):
            store.inventory_failed(master, one.message, now)
        else:
            own = (InventoryClient(MASTER, MASTER),) if backs_itself_up(config, master) else ()
            store.record_inventory(master, (*one.clients, *own), now)
            write_down(store, queries, master, one.seen, now)
            if one.left is not None:
                store.exports_left(master, one.left, now)


def refresh_inventories(session: Session) -> dict[str, NimwrapError]:
    """Ask every master for its clients and record them; the masters that could not be asked.

    Those that have not answered when the clock's ``stop`` is set are among them.
    """
    found = list_clients(session.hosts, session.config, session.reader, session.clock.stop)
    record_inventories(session.store, session.reader, session.config, found, session.clock.now())
    session.listed.update({master: one for master, one in found.items() if isinstance(one, Inventory)})
    left = {
        master: master_unreachable(f"master {master}: no answer before nimwrap was interrupted")
        for master in session.hosts.keys() - found.keys()
    }
    return {master: one for master, one in found.items() if isinstance(one, NimwrapError)} | left


def refresh_and_select(session: Session, targets: Sequence[str]) -> tuple[Selection, Sequence[NimwrapError]]:
    """The clients asked for, against inventories taken now; and why masters could not be asked whose clients may be
    meant too, and of which none is known.

    Raises usage errors before anything is started, and such a master's trouble when no other client is meant.
    """
    troubles = refresh_inventories(session)
    fresh = {master: one for master, one in session.listed.items() if master not in troubles}
    known = current_clients(session.config, session.reader, troubles, fresh)
    selection = select(targets, known, session.config.groups)
    all_resolved(selection, known, session.config.groups)
    unreachable = [troubles[master] for master in selection.unreachable_masters]
    if unreachable and not selection.refs:
        raise unreachable[0]
    return selection, unreachable
