"""A stored run as the record it once was, for a process that ends what another one began."""

from __future__ import annotations

import json
from typing import Any

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Cluster, ResourceGroup, Run, SourceAddress
from nimwrap.history.model import RunRow


def run_of(row: RunRow) -> Run:
    """The run without findings, attempts and image: those are rows of their own and stay as they are."""
    return Run(
        id=row.id,
        client=row.client,
        master=row.master,
        kind=row.kind,
        schedule=row.schedule,
        started=parse_rfc3339(row.started),
        ended=parse_rfc3339(row.ended) if row.ended else None,
        outcome=Outcome(row.outcome),
        failure=_failure(row),
        source_address=SourceAddress(row.expected_address, row.actual_address, row.address_method),
        cluster=_cluster(json.loads(row.cluster)) if row.cluster else None,
        remedy=row.remedy,
        log_path=row.log_path,
        waited_s=row.waited_s,
    )


def _failure(row: RunRow) -> Failure | None:
    if not row.failure_code:
        return None
    texts = (row.failure_message, row.failure_fix, row.failure_evidence)
    return Failure(FailureCode(row.failure_code), *(text or "" for text in texts))


def _cluster(stored: dict[str, Any]) -> Cluster:
    groups = tuple(ResourceGroup(**group) for group in stored.get("resource_groups", ()))
    addresses, nodes = (tuple(stored.get(key, ())) for key in ("service_addresses", "nodes"))
    return Cluster(stored.get("name"), stored.get("state"), groups, addresses, nodes)
