"""The rows of the history as records: what a query gives, and the only names by which a column is read.

Tuples and not dataclasses: a report reads tens of thousands of them, and every verb pays for making the classes. Times
are RFC 3339 text as stored, whose order is the order of time; what JSON holds a list of words becomes a tuple.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nimwrap.domain.ref import ClientRef, Key  # loaded when needed: its module costs a tenth of `nimwrap history`


def _ref(master: str, client: str) -> ClientRef:
    from nimwrap.domain.ref import ClientRef

    return ClientRef(master, client)


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[str, ...]:
    """A stored list of words; thousands of rows have the same few."""
    return tuple(json.loads(text))


class ImageRow(NamedTuple):
    """One row of ``images``. ``verified_by`` names the evidence; ``removal`` is ``planned`` until it has ended.

    ``device``, ``inode`` and ``modified`` tell its file from another one; None until it was looked at.
    """

    id: int
    run: str | None
    client: str
    master: str
    kind: str
    resource: str | None
    location: str
    size_bytes: int
    outcome: str
    verified: bool
    verified_by: tuple[str, ...]
    verified_at: str | None
    verified_full_at: str | None
    fault: str | None
    fault_code: str | None
    fault_level: str | None
    managed: bool
    pinned: bool
    node: str | None
    machine_id: str | None
    oslevel: str | None
    file_count: int | None
    cksum: str | None
    created: str
    recorded: str
    removal: str | None
    removed: str | None
    device: str | None = None
    inode: str | None = None
    modified: str | None = None
    seen_at: str | None = None
    fault_at: str | None = None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> ImageRow:
        told = list(values)
        for at in _TRUTHS:
            told[at] = bool(told[at])
        told[_EVIDENCE] = _words(told[_EVIDENCE])
        return cls._make(told)

    @property
    def key(self) -> Key:
        return self.master, self.client

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.client)


_TRUTHS = [ImageRow._fields.index(name) for name in ("verified", "managed", "pinned")]
_EVIDENCE = ImageRow._fields.index("verified_by")


class LastGoodRow(NamedTuple):
    """One row of the view ``last_good``: the newest proven image of one kind that is still there."""

    master: str
    client: str
    kind: str
    image: int
    run: str | None
    resource: str | None
    location: str
    size_bytes: int
    outcome: str
    created: str

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> LastGoodRow:
        return cls._make(values)


class RunRow(NamedTuple):
    """One row of ``runs``. ``cluster`` is JSON text: what the run saw of the client's cluster."""

    id: str
    client: str
    master: str
    kind: str
    schedule: str | None
    slot: str | None
    outcome: str
    phase: str | None
    failure_code: str | None
    failure_message: str | None
    failure_fix: str | None
    failure_evidence: str | None
    expected_address: str | None
    actual_address: str | None
    address_method: str | None
    cluster: str | None
    remedy: str | None
    image: int | None
    started: str
    ended: str | None
    duration_s: float | None
    owner_host: str
    owner_pid: int
    log_path: str | None
    waited_s: float | None
    actor: str | None = None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> RunRow:
        return cls._make(values)

    @property
    def key(self) -> Key:
        return self.master, self.client

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.client)


class AttemptRow(NamedTuple):
    """One row of ``attempts``: an image-making operation of a run, with its output.

    ``plan`` is the JSON text of its ``AttemptPlan``, by which a later process can finish it.
    """

    id: int
    run: str
    number: int
    started: str
    ended: str | None
    returncode: int | None
    failure_code: str | None
    remedy: str | None
    location: str | None
    resource: str | None
    output: str | None
    plan: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> AttemptRow:
        return cls._make(values)


class FindingRow(NamedTuple):
    """One row of ``findings``: what a check of the run's preflight found; ``data``: what it measured, None without."""

    id: int
    run: str
    check: str
    status: str
    message: str
    fix: str
    evidence: str
    failure_code: str | None
    data: Any

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> FindingRow:
        stored = cls._make(values)
        return stored._replace(data=json.loads(stored.data)) if stored.data else stored


class ChangeRow(NamedTuple):
    """One row of ``export_changes``: ``before`` and ``after`` are the entry's text, ``added`` the addresses let in."""

    id: int
    run: str
    master: str
    directory: str
    added: tuple[str, ...]
    before: str | None
    after: str | None
    state: str
    planned: str
    applied: str | None
    reverted: str | None
    note: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> ChangeRow:
        stored = cls._make(values)
        return stored._replace(added=tuple(json.loads(str(stored.added))))


class HoldRow(NamedTuple):
    """One row of ``holds``."""

    id: int
    client: str
    master: str
    reason: str
    since: str
    until: str | None
    released: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> HoldRow:
        return cls._make(values)

    @property
    def key(self) -> Key:
        return self.master, self.client

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.client)


class ClientRow(NamedTuple):
    """One row of ``clients``: a client as the inventory of its master lists it, or listed it until it ``vanished``."""

    master: str
    name: str
    type: str
    host: str | None
    cluster: str | None
    first_seen: str
    last_seen: str
    vanished: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> ClientRow:
        return cls._make(values)

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.name)


class InventoryRow(NamedTuple):
    """One row of ``inventories``: when a master was last asked for its clients (``tried``), and last answered."""

    master: str
    taken: str | None
    tried: str
    error: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> InventoryRow:
        return cls._make(values)


class SlotRow(NamedTuple):
    """One row of ``slots``: one client in one due time of a schedule; ``claimed`` is when the whole slot began."""

    id: int
    schedule: str
    slot: str
    client: str
    master: str
    state: str
    run: str | None
    reason: str | None
    owner: str | None
    claimed: str

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> SlotRow:
        return cls._make(values)

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.client)


class FleetRow(NamedTuple):
    """One row of the view ``fleet_status``: a client with its last good image, last run and hold.

    ``kind`` is empty for mksysb, else the kind of image that the row tells of.
    """

    master: str
    client: str
    type: str
    cluster: str | None = None
    vanished: str | None = None
    last_good: str | None = None
    last_good_image: int | None = None
    last_good_run: str | None = None
    resource: str | None = None
    location: str | None = None
    size_bytes: int | None = None
    last_good_outcome: str | None = None
    last_run: str | None = None
    last_outcome: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    failure_fix: str | None = None
    last_started: str | None = None
    last_ended: str | None = None
    hold: str | None = None
    hold_until: str | None = None
    kind: str = ""

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> FleetRow:
        return cls(*values)

    @property
    def key(self) -> Key:
        return self.master, self.client

    @property
    def ref(self) -> ClientRef:
        return _ref(self.master, self.client)


class ImageSeries(NamedTuple):
    """The last proven images of one client and kind, newest first, also those that are gone: their
    bytes, and when they were made, in seconds since the epoch."""

    sizes: Sequence[int] = ()
    made: Sequence[int] = ()


class SpaceMeasured(NamedTuple):
    """What a run measured of the filesystem of a client's images."""

    master: str
    started: str
    mounted_on: str
    free_bytes: int


class MachineImages(NamedTuple):
    """What there is of one of the machines that a client has been: how many proven images, and when the newest was."""

    master: str
    client: str
    machine_id: str
    images: int
    newest: str

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> MachineImages:
        return cls._make(values)


class MissedSlot(NamedTuple):
    """The newest slot of a client that came and went without a run."""

    master: str
    client: str
    slot: str
    reason: str | None

    @classmethod
    def from_row(cls, values: Sequence[Any]) -> MissedSlot:
        return cls._make(values)
