"""``nimwrap images copies`` and ``copy``: proven images in other places."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Targets
from nimwrap.cli.image_targets import problems_of
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.cli.time_args import short
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.target_names import EVERYONE, shown

if TYPE_CHECKING:
    from nimwrap.copies.make_copy import CopyResult
    from nimwrap.domain.ref import ClientRef
    from nimwrap.history.copy_row import CopyRow
    from nimwrap.history.model import ImageRow
    from nimwrap.history.sqlite.queries import Reader


def register(images: typer.Typer) -> None:
    images.command("copies")(copies)
    images.command("copy")(copy)


def copies(ctx: typer.Context, targets: Targets = None) -> None:
    """List the copies of images in other places, with their proof and when they were last read back.

    Asks no master.

    Example: nimwrap images copies
    """
    invocation = current(ctx)
    with invocation.reader() as reader:
        refs = set(clients_of(invocation, targets, reader))
        rows = [row for row in reader.copies() if row.master in invocation.masters and _ref(row) in refs]
        images = {image.id: image for image in reader.images_by_id(list({row.image for row in rows}))}
    data = {"copies": [copy_json(row, images.get(row.image)) for row in rows]}
    invocation.finish(Result("images copies", data, text=lambda out: _list(out, data)))


def copy(
    ctx: typer.Context,
    targets: Targets = None,
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="Only to this place of [copies].")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be copied and removed.")] = False,
) -> None:
    """Copy proven images to the places of [copies], and drop the copies that keep does not want.

    A copy counts only when its checksum was read back at the far end and is the image's own. One that was interrupted
    goes on. Exit 0 when every image that is wanted is there, 3 when some failed, 1 when all did.

    Example: nimwrap images copy --dry-run
    """
    from nimwrap.actions.copy_images import copy_images

    invocation = current(ctx)
    _known_place(invocation, to)

    def tell(result: CopyResult) -> None:
        word = "ok" if result.failure is None else result.failure.message
        invocation.say(f"{result.planned.place.name}: {result.location}: {word}")

    chosen = partial(clients_of, invocation, targets)
    done = copy_images(invocation.config, chosen, to, tell, dry_run=dry_run)
    failed = [result for result in done.results if result.failure]
    problems = problems_of(done.troubles) + [
        Problem(result.failure.code, result.failure.message, result.failure.fix, result.planned.row.client)
        for result in failed
        if result.failure
    ]
    data = {
        "copies": [_result_json(result, dry_run=dry_run) for result in done.results],
        "removals": [
            {"name": each.copy.name, "location": each.copy.location, "removed": each.removed, "reason": each.reason}
            for each in done.removals
        ],
        "dry_run": dry_run,
    }
    code = _code(done.results, failed, unasked=bool(done.troubles))
    invocation.finish(Result("images copy", data, code, problems, text=lambda out: _passed(out, data)))


def clients_of(invocation: Invocation, targets: Sequence[str] | None, reader: Reader) -> Sequence[ClientRef]:
    """The clients meant; all without a target."""
    return clients_meant(invocation.config, reader, targets or [EVERYONE])


def copy_json(row: CopyRow, image: ImageRow | None) -> dict[str, Any]:
    """One entry of ``data.copies[]``."""
    return {
        "image": (image and image.resource) or (image and image.location),
        "image_id": row.image,
        "client": row.client,
        "master": row.master,
        "name": row.name,
        "kind": row.kind,
        "location": row.location,
        "size_bytes": row.size_bytes,
        "checksum": row.checksum,
        "state": row.state,
        "reason": row.reason,
        "made": row.made,
        "verified_at": row.verified_at,
    }


def _ref(row: CopyRow) -> ClientRef:
    from nimwrap.domain.ref import ClientRef

    return ClientRef(row.master, row.client)


def _known_place(invocation: Invocation, to: str | None) -> None:
    places = invocation.config.copies
    if not places:
        raise usage_error("no place for copies is configured", "add a table such as [copies.second]: docs/copies.md")
    if to is not None and to not in places:
        hint = did_you_mean(to, list(places)) or f"known: {', '.join(places)}"
        raise usage_error(f"no copy is called {shown(to)}", hint)


def _result_json(result: CopyResult, *, dry_run: bool) -> dict[str, Any]:
    row = result.planned.row
    state = "planned" if dry_run else "ok" if result.failure is None else "skipped" if result.skipped else "failed"
    return {
        "image": row.resource or row.location,
        "image_id": row.id,
        "client": row.client,
        "master": row.master,
        "name": result.planned.place.name,
        "location": result.location,
        "size_bytes": row.size_bytes,
        "state": state,
        "reason": result.failure.message if result.failure else None,
    }


def _code(results: Sequence[CopyResult], failed: Sequence[CopyResult], *, unasked: bool) -> ExitCode:
    if not failed:
        return ExitCode.MASTER if unasked else ExitCode.OK
    if len(failed) < len(results):
        return ExitCode.PARTIAL
    return ExitCode.LOCKED if all(result.skipped for result in failed) else ExitCode.FAILED


def _list(out: Printer, data: dict[str, Any]) -> None:
    if not data["copies"]:
        out.line("No copies are recorded.")
        return
    out.table(
        ("client", "image", "copy", "size", "state", "made", "read back", "where"),
        [
            (
                each["client"],
                each["image"],
                each["name"],
                format_size(each["size_bytes"]),
                out.word(each["state"]),
                short(each["made"]),
                short(each["verified_at"]),
                each["location"] + (f": {each['reason']}" if each["reason"] else ""),
            )
            for each in data["copies"]
        ],
    )


def _passed(out: Printer, data: dict[str, Any]) -> None:
    for each in data["copies"]:
        out.line(f"{out.word(each['state'])}: {each['image']} to {each['name']}: {each['reason'] or each['location']}")
    for each in data["removals"]:
        word = ("would go" if data["dry_run"] else "is gone") if each["removed"] else "stays"
        out.line(f"{each['name']}: {each['location']} {word}: {each['reason']}")
    if not data["copies"]:
        out.line("Nothing is to be copied." if data["dry_run"] else "Nothing was to be copied.")
