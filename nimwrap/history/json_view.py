"""Stored rows as the JSON of INTERFACE section 4: the one place that knows both."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from nimwrap.history.event_row import ActRow, EventRow
from nimwrap.history.model import AttemptRow, ChangeRow, FindingRow, ImageRow, RunRow
from nimwrap.history.ports import Queries

Json = dict[str, Any]


def runs_json(reader: Queries, runs: Sequence[RunRow], *, evidence: bool) -> list[Json]:
    """``data.runs[]``: of ``backup`` with findings and evidence, of ``history`` without."""
    attempts: dict[str, list[AttemptRow]] = defaultdict(list)
    for attempt in reader.attempts([run.id for run in runs]):
        attempts[attempt.run].append(attempt)
    images = {image.id: image for image in reader.images_by_id([run.image for run in runs if run.image])}
    return [
        run_json(
            run,
            attempts=attempts[run.id],
            image=images.get(run.image or 0),
            findings=reader.findings(run.id) if evidence else None,
        )
        for run in runs
    ]


def run_json(
    run: RunRow, *, attempts: Iterable[AttemptRow], image: ImageRow | None, findings: Iterable[FindingRow] | None
) -> Json:
    """One run. ``findings`` None leaves them and the failure's evidence out."""
    shown: Json = {
        "id": run.id,
        "client": run.client,
        "master": run.master,
        "actor": run.actor,
        "control_host": run.owner_host,
        "kind": run.kind,
        "outcome": run.outcome,
        "failure": _failure_json(run, evidence=findings is not None),
    }
    if findings is not None:
        shown["findings"] = [finding_json(finding) for finding in findings]
    return shown | {
        "attempts": [attempt_json(attempt) for attempt in attempts],
        "source_address": {
            "expected": run.expected_address,
            "actual": run.actual_address,
            "method": run.address_method,
        },
        "cluster": json.loads(run.cluster) if run.cluster else None,
        "remedy": run.remedy,
        "image": image_json(image) if image else None,
        "started": run.started,
        "ended": run.ended,
        "duration_s": run.duration_s,
        "waited_s": run.waited_s,
    }


def story_json(reader: Queries, run: RunRow) -> Json:
    """One run with everything that is known of it, for ``show``: also events, export changes and raw outputs."""
    image = next(iter(reader.images_by_id([run.image])), None) if run.image else None
    attempts = reader.attempts([run.id])
    findings, events = reader.findings(run.id), reader.events(run.id)
    shown = run_json(run, attempts=attempts, image=image, findings=findings)
    for entry, attempt in zip(shown["attempts"], attempts, strict=True):
        entry.update({name: getattr(attempt, name) for name in ("location", "resource", "output")})
    if image:
        shown["image"] |= _all_of_image(image)
    more = {name: getattr(run, name) for name in ("schedule", "slot", "phase", "owner_host", "owner_pid", "log_path")}
    return (
        shown
        | more
        | {
            "channel": _channel_json(findings),
            "hooks": [_hook_json(event) for event in events if _ended_hook(event)],
            "export_changes": [change_json(change) for change in reader.changes(run=run.id)],
            "events": [event_json(event) for event in events],
            "parallel": [
                {"at": event.at, "text": event.text, "data": event_json(event)["data"]}
                for event in reader.parallel_changes(run.master, run.started, run.ended)
            ],
        }
    )


def _ended_hook(event: EventRow) -> bool:
    return event.kind == "hook" and event.data["state"] == "ended"


def _hook_json(event: EventRow) -> Json:
    """One hook of the run as it ended."""
    data = event.data
    told = {name: data[name] for name in ("when", "on", "argv", "returncode", "duration_s")}
    return {"at": event.at, **told, "output": data["stdout"]}


def _channel_json(findings: Sequence[FindingRow]) -> Json | None:
    """The way by which the last look reached the client, and how many calls that took."""
    data: Json = next((one.data for one in findings if one.check == "channel" and one.data), {})
    return {"route": data["route"], "calls": data["channel_calls"]} if "route" in data else None


def finding_json(finding: FindingRow) -> Json:
    return {name: getattr(finding, name) for name in ("check", "status", "message", "fix", "evidence")}


def attempt_json(attempt: AttemptRow) -> Json:
    return {
        name: getattr(attempt, name) for name in ("number", "started", "ended", "returncode", "failure_code", "remedy")
    }


def image_json(image: ImageRow) -> Json:
    return {
        "resource": image.resource,
        "location": image.location,
        "size_bytes": image.size_bytes,
        "verified": image.verified,
        "verified_by": list(image.verified_by),
    }


def change_json(change: ChangeRow) -> Json:
    """One entry of ``data.changes[]``; beside the fixed keys: the addresses added, when it was planned, a note."""
    names = ("id", "run", "master", "directory", "before", "after", "state", "applied", "reverted", "planned", "note")
    return {name: getattr(change, name) for name in names} | {"added": list(change.added)}


def event_json(event: EventRow) -> Json:
    return {name: getattr(event, name) for name in ("at", "kind", "text", "data", "actor", "control_host")}


def act_json(act: ActRow) -> Json:
    """One entry of ``data.acts[]``; beside the fixed keys, of an export change its true open times."""
    return act._asdict()


def _failure_json(run: RunRow, *, evidence: bool) -> Json | None:
    if run.failure_code is None:
        return None
    names = ("code", "message", "fix", "evidence") if evidence else ("code", "message", "fix")
    return {name: getattr(run, f"failure_{name}") or "" for name in names}


def _all_of_image(image: ImageRow) -> Json:
    shown_before = ("verified", "verified_by", "run", "client", "master")
    return {name: value for name, value in image._asdict().items() if name not in shown_before}
