"""What a restore plan is made from, and what it consists of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from nimwrap.domain.local_time import local_text
from nimwrap.history.model import ImageRow, RunRow
from nimwrap.images.restore.restore_notes import Alternative, Note


@dataclass(frozen=True)
class RestoreStep:
    """One thing to do. ``command`` is empty for what a person does at a console; ``optional`` may be left out.

    ``defines``: the NIM object that it makes; ``by_nimwrap``: it cannot be done without nimwrap.
    """

    title: str
    command: str
    note: str = ""
    optional: bool = False
    defines: str = ""
    by_nimwrap: bool = False


@dataclass
class RestorePlan:
    """``missing``: what keeps the steps from working now; each says what to do. ``image_fault``: that of the image.
    ``copy``: the place of ``[copies]`` that it begins from, None where the image itself is there."""

    client: str
    target: str
    image: ImageRow
    spot: str
    steps: list[RestoreStep] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    missing: list[Note] = field(default_factory=list)
    other_ways: list[Alternative] = field(default_factory=list)
    image_fault: str = ""
    copy: str | None = None

    def as_json(self) -> dict[str, Any]:
        """``data.plan``."""
        row = self.image
        return {
            "client": self.client,
            "to": self.target,
            "master": row.master,
            "image": {
                "id": row.id,
                "kind": row.kind,
                "resource": row.resource,
                "location": row.location,
                "size_bytes": row.size_bytes,
                "created": row.created,
                "oslevel": row.oslevel,
                "outcome": row.outcome,
                "managed": row.managed,
                "run": row.run,
                "verified_by": list(row.verified_by),
                "verified_full_at": row.verified_full_at,
                "copy": self.copy,
            },
            "spot": self.spot,
            "steps": [asdict(step) for step in self.steps],
            "warnings": [_said(note) for note in self.warnings],
            "missing": [_said(note) for note in self.missing],
            "alternatives": [asdict(way) for way in self.other_ways],
        }


def _said(note: Note) -> str:
    return f"{note.message}. {note.do}" if note.do else note.message


@dataclass(frozen=True)
class RestoreRequest:
    """``run``: the row of the run that made the image; ``others``: the client's newest images of other kinds;
    ``siblings``: all of this kind. ``named_here``: the image has no resource, and bears the name that it is to get.
    ``copy``: the place of the copy that ``image`` stands for; ``fetch``: what brings it to where the image lies."""

    image: ImageRow
    target: str
    target_host: str
    master_host: str
    run: RunRow | None
    others: tuple[ImageRow, ...]
    now: datetime
    siblings: tuple[ImageRow, ...] = ()
    named_here: bool = False
    copy: str | None = None
    fetch: RestoreStep | None = None
    kept_on: str = ""
    on_paper: bool = False

    @property
    def ref(self) -> str:
        """What nimwrap calls the client."""
        return f"{self.kept_on or self.image.master}/{self.image.client}"


def passed_over(row: ImageRow, why: str) -> Note:
    """What is said of a newer image that the plan does not take."""
    return Note(
        f"{row.resource or row.location}, made {local_text(row.created)}, is newer and is not taken: {why}",
        f"To restore from it all the same: --image {row.resource or row.id}",
    )
