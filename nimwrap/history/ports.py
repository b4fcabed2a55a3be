"""What the rest of the house asks of the history: the questions, the writes, and who owns a run.

``history/sqlite`` answers them; a house of several control hosts may have another room that does. Only the places where
a session or a verb begins open one by path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from nimwrap.domain.names import PLAIN_KIND

if TYPE_CHECKING:
    from nimwrap.domain.act import Act
    from nimwrap.domain.findings import Finding
    from nimwrap.domain.left_export import LeftExport
    from nimwrap.domain.records import Attempt, ChangeState, InventoryClient, Run
    from nimwrap.domain.ref import ClientRef, Key
    from nimwrap.history.copy_row import CopyRow
    from nimwrap.history.drill_row import DrillRow
    from nimwrap.history.event_row import ActRow, EventRow
    from nimwrap.history.master_rows import LeftExportRow, RemovalStop
    from nimwrap.history.model import (
        AttemptRow,
        ChangeRow,
        ClientRow,
        FindingRow,
        FleetRow,
        HoldRow,
        ImageRow,
        ImageSeries,
        InventoryRow,
        LastGoodRow,
        MachineImages,
        MissedSlot,
        RunRow,
        SlotRow,
        SpaceMeasured,
    )
    from nimwrap.history.sqlite.parallel_memory import Hour, WriteRate
    from nimwrap.history.sqlite.set_queries import Span
    from nimwrap.history.sqlite.store import Decide, Moment


class Queries(Protocol):
    """The questions. Everything is empty as long as nothing was ever written."""

    def outcomes_in(self, spans: Sequence[Span]) -> list[dict[str, int]]:
        """For each span how many runs began in it, by their outcome."""

    def missed_in(self, spans: Sequence[Span]) -> list[int]:
        """For each span how many clients missed a slot of it."""

    def first_start(self) -> str | None:
        """When the oldest run began."""

    def last_start(self) -> str | None:
        """When the newest run began that was not left out on purpose."""

    def runs_in(self, span: Span, limit: int) -> list[RunRow]:
        """The first runs of a span in the order they began, without those left out on purpose."""

    def attempts_in(self, span: Span, limit: int) -> list[AttemptRow]:
        """The attempts of these runs, each run's in their order."""

    def failure_counts(self, since: datetime | None = None) -> dict[str, int]:
        """Runs by their failure code."""

    def failed_runs(self, since: datetime, most: int) -> list[RunRow]:
        """The newest ``most`` runs of each failure code, newest first."""

    def remedy_counts(self) -> dict[Key, int]:
        """By master and remedy, the runs whose image it made possible."""

    def image_series_of(self, keys: Sequence[Key], kind: str, most: int) -> dict[Key, ImageSeries]:
        """The last proven images of each client, newest first; who has none is left out."""

    def durations_of(self, keys: Sequence[Key], kind: str, most: int) -> dict[Key, list[int]]:
        """Seconds that each client's last runs took that made an image, newest first; who has none is left out."""

    def images_of(self, keys: Sequence[Key], kind: str) -> dict[Key, list[ImageRow]]:
        """The images of each client that are there, newest first."""

    def bad_runs_of(self, keys: Sequence[Key], most: int) -> dict[Key, int]:
        """How many of each client's last ``most`` runs failed or were refused."""

    def last_runs_of(self, keys: Sequence[Key], most: int) -> dict[Key, list[RunRow]]:
        """The newest runs of each client, newest first, whatever came of them."""

    def last_good_of(self, keys: Sequence[Key]) -> dict[tuple[str, str, str], LastGoodRow]:
        """By master, client and kind, the newest proven image of each that is still there."""

    def runs_that_saw_a_cluster(self) -> list[RunRow]:
        """Of each client of a cluster, the newest of its last three runs that saw it."""

    def space_measured(self) -> list[SpaceMeasured]:
        """What the last run of each client measured of the filesystem of its images, the newest last."""

    def has_slots(self, since: datetime) -> bool:
        """Whether a slot of any schedule came since then."""

    def missed_slots(self, since: datetime) -> list[MissedSlot]:
        """By client and state, the newest slot since then that was missed or failed without a run."""

    def machines(self) -> list[MachineImages]:
        """Of every client, the machines that its proven images are of, the one with the newest image first."""

    def ever_good(self, keys: Sequence[Key], kind: str) -> set[Key]:
        """Those of these clients of whom an image of this kind was proven once, also where nothing is left of it."""

    def runs_with_open_changes(self) -> list[RunRow]:
        """The runs that export changes in force, planned or foreign belong to."""

    def runs(
        self,
        targets: Iterable[str | ClientRef] = (),
        *,
        since: datetime | None = None,
        outcomes: Sequence[str] = (),
        code: str = "",
        limit: int | None = None,
    ) -> list[RunRow]:
        """Runs, newest first. A target is a client, ``master/client`` or a glob of either; none means all."""

    def run(self, text: str) -> RunRow:
        """The run whose id is ``text`` or begins with it; a usage error naming the nearest ids otherwise."""

    def stored_run(self, run: str) -> RunRow | None:
        """The run with exactly this id, None when there is none: for programs, as :meth:`run` is for people."""

    def runs_by_id(self, ids: Sequence[str]) -> list[RunRow]:
        """These runs, in the order given; ids without a row are left out."""

    def open_runs(self, master: str | None = None) -> list[RunRow]:
        """Runs that have not ended, oldest first."""

    def last_runs(self, master: str, client: str, limit: int = 1) -> list[RunRow]:
        """The newest runs of one client, newest first, whatever came of them."""

    def findings(self, run: str) -> list[FindingRow]: ...
    def attempts(self, runs: Sequence[str]) -> list[AttemptRow]:
        """The attempts of these runs, each run's in their order."""

    def events(self, run: str) -> list[EventRow]:
        """What was noted of a run, in the order it was written: commands with their output, phases, warnings."""

    def noted(self, kind: str, since: datetime) -> list[EventRow]:
        """Events of one kind, of whatever run or master, not before ``since``, the oldest first."""

    def acts(self, since: datetime) -> list[ActRow]:
        """Everything that somebody had done since then, the newest first."""

    def altered_events(self, newest: int = ...) -> list[str]:
        """Where the table of events, or its newest rows, are not what was written, in words."""

    def end_of_events(self) -> tuple[int, str]:
        """Number and hash of the newest event."""

    def drills_since(self, since: datetime) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns of ``drills``, and its rows since then, where this history has such a table."""

    def durations(self, master: str, client: str, kind: str = PLAIN_KIND, limit: int = 10) -> list[float]:
        """Seconds that the last runs which made an image of this kind took, newest first."""

    def sizes(self, master: str, client: str, kind: str = PLAIN_KIND, limit: int = 10) -> list[int]:
        """Bytes of the last proven images, newest first, also of those that are gone."""

    def learned_hours(self, master: str) -> list[Hour]:
        """What is remembered of how many images at once a master carries, by weekday and hour, the newest first."""

    def learned_rates(self, master: str, since: datetime, until: datetime) -> list[WriteRate]:
        """What a master wrote between two moments while its number of images at once was learned, the oldest first."""

    def parallel_changes(self, master: str, since: str, until: str | None) -> list[EventRow]:
        """Each change of how many images a master makes at once, between two moments, and the last one before."""

    def routes(self, master: str) -> dict[str, str]:
        """By client, the way to it that was found last."""

    def known_route(self, master: str, client: str, since: datetime) -> str:
        """The way to one client, if it was found not before ``since``; else empty."""

    def job_ways(self, master: str, since: datetime) -> dict[str, bool]:
        """Ways to start a job on this master's clients, and whether it was lost, as seen since then."""

    def remedies_proven(self, master: str) -> tuple[str, ...]:
        """Remedies that let a client of this master in and ended with an image, the latest success first."""

    def open_changes(self, master: str | None = None) -> list[ChangeRow]:
        """Export changes in force, planned or foreign, by master, oldest first."""

    def changes(self, *, run: str | None = None, limit: int | None = None) -> list[ChangeRow]:
        """The journal of export changes: of one run in order, or the newest of all first."""

    def images(
        self, master: str | None = None, client: str | None = None, *, kind: str | None = None, removed: bool = False
    ) -> list[ImageRow]:
        """Images by client, newest first; those that are gone only when ``removed`` is asked for."""

    def copies(self, master: str | None = None, client: str | None = None) -> list[CopyRow]:
        """Copies that are there or were tried, by client and name, the newest first."""

    def last_drills(self) -> list[DrillRow]:
        """Of each client the last drill that has ended."""

    def drills_left(self, master: str) -> list[DrillRow]:
        """Drills of which something may still be there, the oldest first."""

    def faulty_images(self) -> list[ImageRow]:
        """Images that are still there, and in which something wrong was found since they were made."""

    def images_dated_after(self, moment: datetime) -> list[ImageRow]:
        """Images that are still there and that are said to have been made after ``moment``."""

    def removal_stop(self, master: str) -> RemovalStop | None:
        """The last stop of removals on this master, also one that a person has ended since."""

    def left_exports(self) -> list[LeftExportRow]:
        """What masters exported without a reason when they were looked at last."""

    def images_by_id(self, ids: Sequence[int]) -> list[ImageRow]: ...
    def image_at(self, master: str, location: str) -> ImageRow | None:
        """The image that lies at a place now."""

    def last_good(self, master: str, client: str, kind: str = PLAIN_KIND) -> LastGoodRow | None:
        """The newest proven image that is still there and without fault; its ``outcome`` may be ``warning``."""

    def fleet(self) -> list[FleetRow]:
        """Every client known to NIM with its last good image, last run and hold: the view ``fleet_status``."""

    def clients(self, master: str | None = None) -> list[ClientRow]:
        """Clients as the inventories list them, with those that vanished (``vanished`` says when)."""

    def inventories(self) -> list[InventoryRow]:
        """When each master was last asked for its clients (``tried``), and last answered (``taken``)."""

    def holds(self, at: datetime | None = None) -> list[HoldRow]:
        """Holds that stand; with ``at`` without those that end by then."""

    def slots(self, *, since: datetime | None = None, states: Sequence[str] = ()) -> list[SlotRow]:
        """Slots by their due time, oldest first."""

    def known(self) -> list[ClientRef]:
        """Every client that has a run, an image that is there, or a place in an inventory, in order."""

    def matching(self, patterns: Iterable[str]) -> list[ClientRef]:
        """The known clients that a client name, ``master/client`` or a glob of either means."""

    def integrity(self) -> str:
        """What SQLite's own quick check of the file says: ``ok``, or the first fault."""


class History(Protocol):
    """The writes: each one is whole, or StoreUnavailable says that it was not made."""

    def hurried(self) -> AbstractContextManager[None]:
        """In this block, and in this thread, no write waits longer than HURRY_S."""

    def begin_run(self, run: Run, *, slot: Moment | None = None) -> None:
        """The row of a run, before anything is done for it; its slot, if it has one, then belongs to it."""

    def record_run(self, run: Run, *, slot: Moment | None = None) -> None:
        """A run that is over already (held, locked, refused before its start), with its findings, in one write."""

    def update_run(self, run_id: str, **values: Any) -> None:
        """Set columns of a run: ``phase``, ``owner_pid``, ``cluster``... StoreUnavailable when there is no such run."""

    def close_run(self, run: Run, *, hurried: bool = True, slot_done: bool = True) -> None:
        """The end of a run as its record says; a run whose first row was lost gets one now. Findings are kept.

        Not ``slot_done``: its slot wants further images of the client.
        """

    def set_findings(self, run_id: str, findings: Iterable[Finding]) -> None:
        """What preflight found, in its order; of several looks at the client the last one."""

    def begin_attempt(
        self, run_id: str, attempt: Attempt, *, location: str, resource: str, plan: str | None = None
    ) -> None:
        """An image-making operation that is about to start, with all that a later process needs to finish it."""

    def end_attempt(self, run_id: str, attempt: Attempt, *, output: str) -> None:
        """How an operation ended, with its output; an attempt whose first row was lost gets one now."""

    def event(
        self,
        kind: str | Act,
        text: str,
        *,
        run: str | None = None,
        master: str | None = None,
        data: Any = None,
        at: Moment | None = None,
    ) -> None:
        """Something worth telling later, such as a command with its output in ``data``."""

    def event_after(self, kind: str, most: int, decide: Decide, *, at: Moment) -> int | None:
        """In one transaction, decide on the newest ``most`` events of a kind, newest first, whether another follows."""

    def update_event(self, event_id: int, data: Any) -> None:
        """Replace the data of an event; that this was done is an event too."""

    def plan_change(
        self, run: str, master: str, directory: str, *, added: Sequence[str], before: str | None, at: Moment
    ) -> int:
        """The journal's row, before the export is touched: which addresses, and the entry's text as it stands."""

    def change_applied(self, change_id: int, after: str | None, at: Moment) -> None:
        """The change took; ``after`` is the entry's text as read back. When it was first seen open is kept."""

    def change_ended(self, change_id: int, state: ChangeState, at: Moment, note: str = "") -> None:
        """The change is undone (``reverted``), or a person must look (``foreign``)."""

    def add_image(self, **values: Any) -> int:
        """Record an image and return its id."""

    def add_found_image(self, **values: Any) -> int | None:
        """Record an image that was found; None when its place has a row by now, which stays as it is."""

    def update_image(self, image_id: int, **values: Any) -> None:
        """Set columns of an image. The end of a removal (``removed``) does not wait for the database."""

    def update_image_if(self, seen: ImageRow, **values: Any) -> ImageRow | None:
        """Set columns of an image while its row is still the one that was ``seen``; else the row as it is now."""

    def begin_copy(self, image: ImageRow, name: str, kind: str, location: str, at: Moment) -> CopyRow:
        """The row of a copy before anything is done for it; one of the same image and name is taken up again."""

    def update_copy(self, copy_id: int, **values: Any) -> None:
        """Set columns of a copy. The end of a removal (``removed``) does not wait for the database."""

    def begin_drill(self, image: ImageRow, level: str, sandbox: str | None, at: Moment) -> int:
        """The row of a drill before anything is done for it."""

    def update_drill(self, drill_id: int, **values: Any) -> None:
        """Set columns of a drill. That nothing is left of it (``cleared``) does not wait for the database."""

    def images_seen(self, image_ids: Sequence[int], at: Moment) -> None:
        """These images were looked at, whatever was found."""

    def exports_left(self, master: str, left: Iterable[LeftExport], at: Moment) -> None:
        """What the master exports without a reason, instead of what was seen there before."""

    def stop_removals(self, master: str, why: str, at: Moment) -> None:
        """No image of this master is removed until :meth:`resume_removals`."""

    def resume_removals(self, master: str, at: Moment) -> bool:
        """A person has looked; False when nothing was stopped."""

    def record_inventory(self, master: str, clients: Iterable[InventoryClient], at: Moment) -> None:
        """The clients that the master lists now. Those it lists no longer are marked as vanished, not forgotten."""

    def inventory_failed(self, master: str, error: str, at: Moment) -> None:
        """The master could not be asked; what was known stays as it was, and grows old."""

    def remember_job_way(self, master: str, way: str, at: Moment, *, lost: bool) -> None:
        """Whether a job that was started this way on a client of the master was lost, or came to its end."""

    def remember_route(self, master: str, client: str, route: str, calls: int, at: Moment) -> None:
        """The way to a client that was found, and how many calls that took."""

    def hold(self, master: str, client: str, reason: str, since: Moment, until: Moment | None = None) -> None:
        """Keep a client out of backups; a hold that stands already is replaced."""

    def release(self, master: str, client: str, at: Moment) -> bool:
        """End the hold of a client; False when there was none."""

    def token(self) -> str:
        """The name under which this store claims slots: its lock tells others that we still live."""
