"""How records become column values, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimwrap.domain.durations import rfc3339

if TYPE_CHECKING:
    from nimwrap.domain.records import Run

Row = dict[str, Any]


def utc_now() -> datetime:
    return datetime.now(UTC)


def moment(value: datetime | str) -> str:
    """RFC 3339 text of a moment that has an offset."""
    return value if isinstance(value, str) else rfc3339(value)


def column(value: Any) -> str | int | float | None:
    """The stored form of one value: RFC 3339 for moments, JSON for records, lists and objects, 0/1 for booleans."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    return _storable(json.dumps(value, ensure_ascii=False, default=str))


def _storable(text: str) -> str:
    """The text with ``?`` for what UTF-8 cannot carry: lone surrogates, as file names and arguments may hold."""
    return text.encode(errors="replace").decode()


def columns(values: Mapping[str, Any]) -> Row:
    """Each value of ``values`` in its stored form."""
    return {name: column(value) for name, value in values.items()}


def run_columns(run: Run) -> Row:
    """The columns of ``runs`` that the record of a run decides."""
    failure, source = run.failure, run.source_address
    return columns(
        {
            "id": run.id,
            "client": run.client,
            "master": run.master,
            "kind": run.kind,
            "schedule": run.schedule,
            "outcome": run.outcome,
            "failure_code": failure.code if failure else None,
            "failure_message": failure.message if failure else None,
            "failure_fix": failure.fix if failure else None,
            "failure_evidence": failure.evidence if failure else None,
            "expected_address": source.expected,
            "actual_address": source.actual,
            "address_method": source.method,
            "cluster": run.cluster,
            "remedy": run.remedy,
            "image": run.image.id if run.image else None,
            "started": run.started,
            "ended": run.ended,
            "duration_s": run.duration_s,
            "waited_s": run.waited_s,
            "log_path": run.log_path,
        }
    )
