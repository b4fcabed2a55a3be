"""The records that travel between rooms and stand in the history: runs, attempts, images, export changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import Failure, Finding
from nimwrap.domain.left_export import LeftExport
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef as ClientRef  # noqa: PLC0414  a record as well, and known by this name
from nimwrap.domain.sighting import Sightings


@dataclass(frozen=True)
class InventoryClient:
    """A client as a master's ``lsnim`` lists it. ``host`` is the name of its first interface."""

    name: str
    type: str
    host: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Inventory:
    """What a master lists now. ``hostname`` is what it calls itself, None when it does not say.

    ``seen``: what stands at the places of recorded images, as far as it said; ``left``: what is exported without a
    reason, None when it did not say.
    """

    clients: tuple[InventoryClient, ...] = ()
    hostname: str | None = None
    seen: Sightings = field(default_factory=Sightings)
    left: tuple[LeftExport, ...] | None = None

    @cached_property
    def hosts(self) -> dict[str, str | None]:
        """By client, the name of its first interface."""
        return {client.name: client.host for client in self.clients}


@dataclass(frozen=True)
class SourceAddress:
    """The address the client's packets leave with, beside the one NIM's export lets in.

    ``method`` is ``perl``, ``traceroute``, ``route``, ``netstat``, ``master-netstat`` or ``alias-order`` (weak).
    """

    expected: str | None
    actual: str | None
    method: str | None


@dataclass(frozen=True)
class ResourceGroup:
    name: str
    state: str
    node: str | None


@dataclass(frozen=True)
class Cluster:
    """The PowerHA cluster as the client saw it during this run.

    ``name`` is its own or, where no tool told it, made of its ``nodes``; None when those are not known either.
    """

    name: str | None
    state: str | None
    resource_groups: tuple[ResourceGroup, ...] = ()
    service_addresses: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """What tells it from other clusters. Its nodes may not all know the same, but any two share a mark."""
        return tuple(dict.fromkeys((*([self.name] if self.name else []), *self.nodes)))


@dataclass(frozen=True)
class Attempt:
    """One image-making operation inside a run. ``returncode`` None: it never came back, or was lost."""

    number: int
    started: datetime
    ended: datetime | None = None
    returncode: int | None = None
    failure_code: FailureCode | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class Image:
    """One image as recorded. ``verified_by`` names the evidence, such as ``0512-038`` or ``lsmksysb``."""

    resource: str
    location: str
    size_bytes: int
    verified: bool
    verified_by: tuple[str, ...] = ()
    id: int | None = None


@dataclass(frozen=True)
class Run:
    """One client, one backup, from preflight to record.

    ``worked_s``: looking, making, proving, None where nobody measured it; ``waited_s``: queue, slots, retries.
    """

    id: str
    client: str
    master: str
    started: datetime
    outcome: Outcome = Outcome.RUNNING
    kind: str = PLAIN_KIND
    schedule: str | None = None
    failure: Failure | None = None
    findings: tuple[Finding, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    source_address: SourceAddress = field(default_factory=lambda: SourceAddress(None, None, None))
    cluster: Cluster | None = None
    remedy: str | None = None
    image: Image | None = None
    ended: datetime | None = None
    log_path: str | None = None
    worked_s: float | None = None
    waited_s: float | None = None

    @property
    def duration_s(self) -> float | None:
        """Without the waiting where that was measured; never negative, whatever clocks do."""
        if self.ended is None:
            return None
        return max(0.0, (self.ended - self.started).total_seconds()) if self.worked_s is None else self.worked_s


class ChangeState(StrEnum):
    """``foreign``: the entry could not be understood when it was to be undone; a person must look."""

    PLANNED = "planned"
    APPLIED = "applied"
    REVERTED = "reverted"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class ExportChange:
    """One change of one export on a master. ``before``/``after``: the entry's text, None where there was none."""

    id: int
    run: str
    master: str
    directory: str
    before: str | None
    after: str | None
    state: ChangeState
    applied: datetime | None = None
    reverted: datetime | None = None
