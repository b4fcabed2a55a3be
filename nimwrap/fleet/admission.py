"""What a fleet run and its dry run make of the clients asked for, alike, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.config.model import Config
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import ClientRef
from nimwrap.fleet.fleet_capacity import fleet_capacity
from nimwrap.history.model import HoldRow
from nimwrap.history.ports import Queries
from nimwrap.images.kinds.registry import KINDS

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session


@dataclass(frozen=True)
class Admission:
    """``kept_out``: held or excluded, not even looked at; ``too_large``: what is to be made does not fit.

    ``at_once``: how many images the file systems of a master have room for at once, where that number is learned.
    """

    admitted: tuple[ClientRef, ...]
    kept_out: Mapping[ClientRef, Failure]
    too_large: Mapping[ClientRef, Failure]
    at_once: Mapping[str, int]


def admit(session: Session, refs: Sequence[ClientRef], at: datetime) -> Admission:
    """Who of ``refs`` may start, by the holds of the moment ``at``, and by the room on the masters."""
    held = {ClientRef(row.master, row.client): row for row in session.reader.holds(at)}
    kept_out = {}
    for ref in refs:
        if session.config.client(ref.master, ref.client).exclude:
            why = f"{ref.client} is excluded by the configuration"
            kept_out[ref] = Failure(FailureCode.EXCLUDED, why, f"exclude = false in [clients.{ref.client}]")
        elif hold := held.get(ref):
            kept_out[ref] = held_failure(ref, hold)
    wanted = [ref for ref in refs if ref not in kept_out]
    found = fleet_capacity(session, wanted)
    admitted = tuple(ref for ref in wanted if ref not in found.too_large)
    return Admission(admitted, kept_out, found.too_large, found.at_once)


def held_failure(ref: ClientRef, hold: HoldRow) -> Failure:
    """Why a client under ``hold`` is left out."""
    why = f"{ref.client} is held since {hold.since}: {hold.reason}"
    return Failure(FailureCode.HELD, why, f"nimwrap release {ref.client}")


def goes_first(kind: str) -> bool:
    """True of what the night's other images would change."""
    return KINDS[kind].first


def detected_clusters(reader: Queries) -> dict[ClientRef, str]:
    """Clusters that earlier preflights saw, by client."""
    return {row.ref: row.cluster for row in reader.clients() if row.cluster}


def chain_of(config: Config, ref: ClientRef, detected: Mapping[ClientRef, str]) -> str:
    """Clients of one cluster follow one another; so do the several images of one client.

    And so do all whose images lie in one directory: NIM exports the directory above an image while it is made, and two
    operations that export the same one conflict, unless each image gets its own below it (reference aix-nim 3.1).
    """
    policy = config.policy(ref.master, ref.client)
    if policy.layout == "flat" and config.masters[ref.master].env.get("NIM_MKSYSB_SUBDIRS") != "yes":
        return f"directory {ref.master}:{policy.directory}"
    cluster = config.client(ref.master, ref.client).cluster or detected.get(ref)
    return f"cluster {cluster}" if cluster else f"client {ref}"
