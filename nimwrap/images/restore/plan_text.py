"""A restore plan as plain text for whoever has neither nimwrap nor its control host: RESTORE.txt."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nimwrap import __version__
from nimwrap.history.model import ImageRow
from nimwrap.images.restore.restore_records import RestorePlan, RestoreStep


@dataclass(frozen=True)
class OtherPlace:
    """Where else an image lies, as a sentence has it."""

    image: str
    text: str


def restore_text(plan: RestorePlan, others: Iterable[OtherPlace] = ()) -> str:
    """The whole file, the same as long as nothing changes; right on the master ``plan.image.master``, as it says."""
    row = plan.image
    lines = [
        f"How to restore {plan.client} from the NIM master {row.master}",
        "",
        f"Written by nimwrap {__version__}. All of it is typed on {row.master} as root, with NIM alone; neither",
        "nimwrap nor its control host is needed.",
        "",
        *_image(row),
        *_places(others),
        "",
        "What to type",
        "",
        *_steps(row, plan.steps),
        *_notes(plan),
    ]
    return "\n".join(lines) + "\n"


def _image(row: ImageRow) -> Iterator[str]:
    yield f"Image     {row.resource}, {row.kind}, {row.size_bytes} bytes, at {row.location}"
    yield f"Made      {row.created}" + (f" by run {row.run}" if row.run else "")
    yield f"Level     {row.oslevel or 'not known'}"
    yield f"Proof     {', '.join(row.verified_by) or 'none'}"


def _places(others: Iterable[OtherPlace]) -> Iterator[str]:
    for place in others:
        yield f"Also      {place.image}: {place.text}"


def _steps(row: ImageRow, steps: Iterable[RestoreStep]) -> Iterator[str]:
    number = 0
    if row.cksum:
        number += 1
        yield f"{number}. see that it is the image which was proven: this has to print {row.cksum}"
        yield f"   cksum {shlex.quote(row.location)}"
    for step in steps:
        if step.by_nimwrap:
            continue
        number += 1
        yield f"{number}. {step.title}{' (only if wanted)' if step.optional else ''}"
        if step.command:
            known = f"lsnim {shlex.quote(step.defines)} > /dev/null 2>&1 || " if step.defines else ""
            yield f"   {known}{step.command}"
        if step.note:
            yield f"   ({step.note})"


def _notes(plan: RestorePlan) -> Iterator[str]:
    for note in plan.warnings:
        yield ""
        yield f"Mind: {note.message}. {note.do}".rstrip()
    if plan.other_ways:
        yield ""
        yield "Other ways"
    for way in plan.other_ways:
        yield ""
        yield f"- {way.title}: {way.command}"
        yield f"  ({way.note})"
