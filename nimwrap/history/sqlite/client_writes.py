"""The writes about clients: what the masters list, how they are reached, who is kept out of backups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.domain.act import Act, ActName
from nimwrap.domain.records import InventoryClient
from nimwrap.history.sqlite import statements
from nimwrap.history.sqlite.codec import moment
from nimwrap.history.sqlite.event_chain import append_event, event_kind
from nimwrap.history.sqlite.master_writes import MasterWrites

if TYPE_CHECKING:
    from sqlite_utils import Database

    from nimwrap.history.actor import Actor

Moment = datetime | str


class ClientWrites(MasterWrites):
    """Part of the store. ``by``: who asks for what it writes."""

    by: Actor

    def record_inventory(self, master: str, clients: Iterable[InventoryClient], at: Moment) -> None:
        """The clients that the master lists now. Those it lists no longer are marked as vanished, not forgotten."""
        seen = moment(at)
        with self.writing("record_inventory") as database:
            for client in clients:
                database.conn.execute(
                    "insert into clients (master, name, type, host, cluster, first_seen, last_seen)"
                    " values (?, ?, ?, ?, ?, ?, ?) on conflict (master, name) do update set type = excluded.type,"
                    " host = coalesce(excluded.host, host), cluster = coalesce(excluded.cluster, cluster),"
                    " last_seen = excluded.last_seen, vanished = null",
                    (master, client.name, client.type, client.host, client.cluster, seen, seen),
                )
            database.conn.execute(
                "update clients set vanished = ? where master = ? and last_seen <> ? and vanished is null",
                (seen, master, seen),
            )
            database.conn.execute(
                "insert into inventories (master, taken, tried) values (?, ?, ?)"
                " on conflict (master) do update set taken = excluded.taken, tried = excluded.tried, error = null",
                (master, seen, seen),
            )

    def remember_route(self, master: str, client: str, route: str, calls: int, at: Moment) -> None:
        """The way that was found from the master to the client, and how many calls it took to find and use it."""
        with self.writing("remember_route", hurried=True) as database:
            database.conn.execute(
                "insert into channels (master, client, route, calls, found) values (?, ?, ?, ?, ?)"
                " on conflict (master, client) do update set route = excluded.route, calls = excluded.calls,"
                " found = excluded.found",
                (master, client, route, calls, moment(at)),
            )

    def remember_job_way(self, master: str, way: str, at: Moment, *, lost: bool) -> None:
        """Whether a job that was started this way on a client of the master was lost, or came to its end."""
        with self.writing("remember_job_way", hurried=True) as database:
            database.conn.execute(
                "insert into job_ways (master, way, lost, seen) values (?, ?, ?, ?)"
                " on conflict (master, way) do update set lost = excluded.lost, seen = excluded.seen",
                (master, way, int(lost), moment(at)),
            )

    def inventory_failed(self, master: str, error: str, at: Moment) -> None:
        """The master could not be asked; what was known stays as it was, and grows old."""
        with self.writing("inventory_failed") as database:
            database.conn.execute(
                "insert into inventories (master, tried, error) values (?, ?, ?)"
                " on conflict (master) do update set tried = excluded.tried, error = excluded.error",
                (master, moment(at), error),
            )

    def hold(self, master: str, client: str, reason: str, since: Moment, until: Moment | None = None) -> None:
        """Keep a client out of backups; a hold that stands already is replaced."""
        values = {"master": master, "client": client, "reason": reason, "since": since, "until": until}
        with self.writing("hold") as database:
            statements.release(database, master, client, since)
            statements.insert(database, "holds", values)
            self._act(database, Act("hold", ActName.HOLD, f"{master}/{client}"), reason, since)

    def release(self, master: str, client: str, at: Moment) -> bool:
        """End the hold of a client; False when there was none."""
        with self.writing("release") as database:
            released = statements.release(database, master, client, at)
            if released:
                self._act(database, Act("hold", ActName.RELEASE, f"{master}/{client}"), "released", at)
            return released

    def _act(self, database: Database, act: Act, text: str, at: Moment) -> None:
        master = act.subject.partition("/")[0]
        append_event(database, self.by, {"master": master, "at": at, "text": text} | event_kind(act))
