"""What a restore plan of one image is made from: its own row, and what else the history has of its client."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nimwrap.domain.ref import ClientRef
from nimwrap.history.model import ImageRow
from nimwrap.history.ports import Queries
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.restore.restore_records import RestoreRequest


def bootable(queries: Queries, ref: ClientRef) -> list[ImageRow]:
    """The images that a client is installed from, newest first."""
    rows = [row for row in queries.images(ref.master, ref.client) if kind_of(row.kind).bootable]
    return sorted(rows, key=lambda row: (row.created, row.id), reverse=True)


def good_images(rows: Sequence[ImageRow]) -> list[ImageRow]:
    """Those of them that are proven and without fault."""
    return [row for row in rows if row.verified and not row.fault and row.removal is None]


def restore_request(queries: Queries, row: ImageRow, target: str | None, now: datetime) -> RestoreRequest:
    """The request for one image and its client, or another machine as ``target``."""
    hosts = {one.name: one.host for one in queries.clients(row.master)}
    machine = target or row.client
    runs = queries.runs_by_id([row.run]) if row.run else []
    others: dict[str, ImageRow] = {}
    for other in queries.images(row.master, row.client):
        if not kind_of(other.kind).bootable and other.verified and not other.fault:
            others.setdefault((other.resource or other.location)[:-16], other)
    return RestoreRequest(
        row,
        machine,
        hosts.get(machine) or machine,
        row.master,
        runs[0] if runs else None,
        tuple(others.values()),
        now,
        tuple(bootable(queries, row.ref)),
    )
