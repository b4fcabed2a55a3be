"""What a package of evidence is made of: one table a subject, from stored rows and the configuration alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from nimwrap.config.effective import whole
from nimwrap.config.load import read
from nimwrap.config.model import BackupPolicy, Config
from nimwrap.domain.act import ActName
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.verdict import texts
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.event_row import ActRow
from nimwrap.history.model import ImageRow, RunRow, SlotRow
from nimwrap.history.ports import Queries
from nimwrap.monitoring.protection import ClientView, protection


@dataclass(frozen=True)
class EvidenceTable:
    """``name`` as its file is called; each row has a value for each column."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Span:
    """What the tables are of: what was done from ``since`` to ``until``, and how things stand at ``until``."""

    since: datetime
    until: datetime

    def holds(self, *moments: str | None) -> bool:
        """Whether one of the moments lies in it."""
        return any(moment is not None and moment >= rfc3339(self.since) for moment in moments)


def evidence_tables(config: Config, reader: Queries, span: Span) -> list[EvidenceTable]:
    """Every table, in the order in which an auditor would ask."""
    acts = reader.acts(span.since)
    clients = protection(config, reader, span.until).clients
    return [
        _settings(config),
        _policies(config, [view.ref for view in clients]),
        _clients(clients),
        _rows("slots", "Slots of schedules", SlotRow._fields, reader.slots(since=span.since)),
        _rows("runs", "Runs", RunRow._fields, reader.runs(since=span.since)),
        _verifications(reader, span),
        _copies(reader, span),
        EvidenceTable("drills", "Restores that were tried", *reader.drills_since(span.since)),
        _removals(reader, acts, span),
        _export_changes(acts),
        _rows("acts", "Who did what", ActRow._fields, acts),
        _hooks(reader, span),
    ]


def _rows(name: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> EvidenceTable:
    return EvidenceTable(name, title, columns, list(rows))


def _settings(config: Config) -> EvidenceTable:
    """The policy as it is effective: every key with its value, and where that came from; secrets are masked."""
    found = whole(read(config.path)) if config.path is not None else []
    rows = [(one.key, one.spelled, one.source, one.line) for one in found]
    return EvidenceTable("policy", "Policy: every setting as it holds", ("key", "value", "source", "line"), rows)


def _policies(config: Config, refs: Sequence[ClientRef]) -> EvidenceTable:
    names = [field.name for field in fields(BackupPolicy)]
    rows = []
    for ref in refs:
        policy = config.policy(ref.master, ref.client)
        rows.append((ref.master, ref.client, *(getattr(policy, name) for name in names)))
    title = "Policy of each client; durations in seconds"
    return EvidenceTable("client_policies", title, ("master", "client", *names), rows)


_CLIENT = (
    "master",
    "client",
    "verdict",
    "reasons",
    "reason_codes",
    "last_good",
    "resource",
    "location",
    "size_bytes",
    "last_good_run",
    "last_run",
    "last_outcome",
    "hold",
    "excluded",
    "next_run",
    "copies",
)


def _clients(views: Iterable[ClientView]) -> EvidenceTable:
    return EvidenceTable("clients", "Every client and why it stands as it does", _CLIENT, list(map(_client, views)))


def _client(view: ClientView) -> Sequence[Any]:
    row, judged = view.row, view.judged
    return (
        view.ref.master,
        view.ref.client,
        judged.verdict,
        texts(judged.reasons),
        [reason.code for reason in judged.reasons],
        row.last_good,
        row.resource,
        row.location,
        row.size_bytes,
        row.last_good_run,
        row.last_run,
        row.last_outcome,
        view.hold.reason if view.hold else None,
        view.excluded,
        rfc3339(view.next_run) if view.next_run else None,
        [f"{each.place.name}: {each.health}" for each in view.copies],
    )


_VERIFIED = (
    "id",
    "master",
    "client",
    "kind",
    "resource",
    "location",
    "size_bytes",
    "created",
    "verified",
    "verified_by",
    "verified_at",
    "verified_full_at",
    "cksum",
    "fault",
    "fault_at",
    "managed",
    "pinned",
    "removed",
)


def _verifications(reader: Queries, span: Span) -> EvidenceTable:
    """The images that are there or were made, proven, or found faulty in the time, each with its proof."""
    images = [row for row in reader.images(removed=True) if row.removed is None or _touched(row, span)]
    rows = [[getattr(row, name) for name in _VERIFIED] for row in images]
    return EvidenceTable("verifications", "Images and their proof", _VERIFIED, rows)


def _touched(row: ImageRow, span: Span) -> bool:
    return span.holds(row.created, row.verified_at, row.verified_full_at, row.fault_at, row.removed)


def _copies(reader: Queries, span: Span) -> EvidenceTable:
    return _rows("copies", "Copies elsewhere", CopyRow._fields, reader.copies())


def _removals(reader: Queries, acts: Iterable[ActRow], span: Span) -> EvidenceTable:
    """What was removed: by whom, as the events say; and rows that say so without an event, as those of before have."""
    names = ("at", "actor", "control_host", "act", "subject", "run", "text")
    rows: list[Sequence[Any]] = []
    told = set()
    for act in acts:
        if act.act in (ActName.REMOVE, ActName.REMOVE_COPY):
            told.add(act.subject)
            rows.append([getattr(act, name) for name in names])
    for row in reader.images(removed=True):
        name = row.resource or row.location
        if span.holds(row.removed) and name not in told:
            rows.append((row.removed, None, None, ActName.REMOVE, name, row.run, "recorded as gone"))
    return EvidenceTable("removals", "Images and copies that were removed", names, rows)


def _export_changes(acts: Iterable[ActRow]) -> EvidenceTable:
    """When each export was open, by the master's own clock."""
    names = ("subject", "run", "actor", "control_host", "text", "state", "opened", "closed")
    rows = [(*(getattr(act, name) for name in names), _open_s(act)) for act in acts if act.act == ActName.EXPORT_CHANGE]
    columns = ("export", "run", "actor", "control_host", "let_in", "state", "opened", "closed", "open_s")
    return EvidenceTable("export_changes", "Changes of NFS exports and how long they were open", columns, rows)


def _open_s(act: ActRow) -> float | None:
    if act.opened is None or act.closed is None:
        return None
    return (parse_rfc3339(act.closed) - parse_rfc3339(act.opened)).total_seconds()


def _hooks(reader: Queries, span: Span) -> EvidenceTable:
    columns = ("at", "run", "master", "actor", "when", "on", "argv", "state", "returncode", "duration_s", "output")
    return EvidenceTable("hooks", "Hooks that were run", columns, list(_hook_rows(reader, span)))


def _hook_rows(reader: Queries, span: Span) -> Iterator[Sequence[Any]]:
    for event in reader.noted("hook", span.since):
        data = event.data
        said = [data.get(name) for name in ("when", "on", "argv", "state", "returncode", "duration_s", "stdout")]
        yield event.at, event.run, event.master, event.actor, *said
