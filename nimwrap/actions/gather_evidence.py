"""Gather what an auditor asks for, and write it as a package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nimwrap import __version__
from nimwrap.config.secret import referenced_file
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import usage_error
from nimwrap.history.actor import current_actor
from nimwrap.history.installation import installation_id
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.evidence.evidence_files import as_csv, as_html, as_json
from nimwrap.monitoring.evidence.evidence_package import write_package
from nimwrap.monitoring.evidence.evidence_tables import Span, evidence_tables

if TYPE_CHECKING:
    from nimwrap.config.model import Config


@dataclass(frozen=True)
class EvidencePackage:
    """What was written. ``altered``: events that are not what they were when they were written."""

    path: Path
    files: list[str]
    signed: bool
    altered: list[str]


def gather_evidence(config: Config, directory: Path, since: datetime, now: datetime, key: str) -> EvidencePackage:
    """Write the package of what was done since then; ``key``: the file, or ``credential:NAME``, that signs it."""
    signer = _key(key or config.report.sign_key)
    with Reader.open(config.database) as reader:
        altered = reader.altered_events()
        tables = evidence_tables(config, reader, Span(since, now))
        end = reader.end_of_events()
    actor = current_actor()
    about = {
        "made": rfc3339(now),
        "since": rfc3339(since),
        "by": actor.name,
        "control_host": actor.control_host,
        "installation": installation_id(config.state_dir),
        "version": __version__,
        "configuration": str(config.path),
        "last_event": end[0],
        "last_event_hash": end[1],
        "altered_events": altered,
    }
    files = {"evidence.html": as_html(about, tables), "evidence.json": as_json(about, tables)}
    files |= {f"{table.name}.csv": as_csv(table) for table in tables}
    names = write_package(directory, files, signer)
    return EvidencePackage(directory.resolve(), names, signer is not None, altered)


def _key(text: str) -> Path | None:
    if not text:
        return None
    path = referenced_file(text if text.startswith("credential:") else f"file:{text}")
    if path is None or not path.is_file():
        raise usage_error(f"there is no key {text}", "ssh-keygen -t ed25519 makes one; docs/evidence.md")
    return path
