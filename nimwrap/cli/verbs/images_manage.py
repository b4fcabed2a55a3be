"""``nimwrap images pin``, ``unpin``, ``import`` and ``adopt``: which images are nimwrap's to keep or to remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli import completion
from nimwrap.cli.arguments import Targets
from nimwrap.cli.image_targets import named_images, problems_of
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.verbs.images_copies import copy_json
from nimwrap.clients.known_clients import recorded_clients
from nimwrap.clients.selection import select
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.actions.import_images import ImportResult
    from nimwrap.history.model import ImageRow

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE...", help="resource name, location, or number of the list", autocompletion=completion.images
    ),
]


_SAID = {ActName.PIN: "is pinned", ActName.UNPIN: "is not pinned any more", ActName.ADOPT: "is managed now"}


def register(images: typer.Typer) -> None:
    images.command("pin")(pin)
    images.command("unpin")(unpin)
    images.command("import")(import_)
    images.command("adopt")(adopt)


def pin(ctx: typer.Context, images: Names) -> None:
    """Keep images whatever the retention rules say.

    Example: nimwrap images pin powerha1_20261123_010203
    """
    _set(current(ctx), "images pin", images, {"pinned": True}, ActName.PIN)


def unpin(ctx: typer.Context, images: Names) -> None:
    """Let the retention rules decide about images again.

    Example: nimwrap images unpin powerha1_20261123_010203
    """
    _set(current(ctx), "images unpin", images, {"pinned": False}, ActName.UNPIN)


def adopt(
    ctx: typer.Context,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE|CLIENT...", help="an unmanaged image, or a client for all of its")
    ],
) -> None:
    """Take over recorded images that nimwrap did not make: from now on retention may remove them.

    Example: nimwrap images adopt powerha1_mksysb
    """
    invocation = current(ctx)
    with invocation.reader() as reader:
        rows = [row for row in reader.images() if not row.managed]
        known = recorded_clients(invocation.config, reader)
    names = []
    for name in images:
        meant = select([name], known, invocation.config.groups).all_of_a_name
        mine = [str(row.id) for row in rows if row.ref in meant]
        if meant and not mine:
            raise usage_error(f"no unmanaged image of {name} is recorded", "`nimwrap images import` records NIM's own")
        names += mine or [name]
    _set(invocation, "images adopt", names, {"managed": True}, ActName.ADOPT)


def _set(invocation: Invocation, command: str, names: list[str], values: dict[str, bool], name: ActName) -> None:
    from nimwrap.images.image_inventory import entry_of

    now = invocation.now()
    with invocation.reader() as reader:
        rows = named_images(reader.images(), names)
    with invocation.store() as store:
        for row in rows:
            seen: ImageRow | None = row
            while seen is not None and (seen := store.update_image_if(seen, **values)) is not None:
                if seen.removed is not None:
                    raise usage_error(f"{row.resource or row.location} was removed meanwhile", "nimwrap images list")
            store.event(
                Act("image", name, row.resource or row.location),
                f"{row.resource or row.location} {_SAID[name]}",
                run=row.run,
                master=row.master,
                data={"image": row.id},
                at=now,
            )
    with invocation.reader() as reader:
        changed = {row.id: row for row in reader.images_by_id([row.id for row in rows])}
    data = {"images": [entry_of(changed[row.id]).as_json(now) for row in rows]}
    lines = [f"{row.resource or row.location} {_SAID[name]}" for row in rows]
    invocation.finish(Result(command, data, text=lambda out: out.line("\n".join(lines))))


def import_(
    ctx: typer.Context,
    targets: Targets = None,
    history: Annotated[
        bool, typer.Option("--history", help="First bring back history.db from its newest copy on a master.")
    ] = False,
) -> None:
    """Record the images that nimwrap does not know: NIM's resources, and plain files that lsmksysb reads.

    They count for age and status, so that these are true from the first day; as unmanaged, never for retention. What
    nimwrap made once, and its copies, are recorded again as they were, by the manifest beside each: also after the
    history was lost.

    Example: nimwrap images import
    """
    from nimwrap.actions.import_images import import_images

    invocation = current(ctx)
    if history:
        from nimwrap.actions.restore_history import restore_history

        back = restore_history(invocation.config)
        invocation.say(f"the history is back as it was copied: {back.copy.path} on {back.master}")
    done = import_images(invocation.config, targets or [], invocation.now())
    _finish_import(invocation, done, problems_of(done.troubles))


def _finish_import(invocation: Invocation, done: ImportResult, problems: list[Problem]) -> None:
    from nimwrap.images.image_inventory import entry_of

    now, found = invocation.now(), done.images
    numbers = [one.image for one in found if one.image is not None]
    with invocation.reader() as reader:
        rows = {row.id: row for row in reader.images_by_id([*numbers, *done.copied])}
        copies = [copy for copy in reader.copies() if copy.image in done.copied]
    data = {
        "images": [entry_of(row).as_json(now) for row in rows.values()],
        "copies": [copy_json(copy, rows.get(copy.image)) for copy in copies],
        "left": [
            {
                "master": one.entry.master,
                "resource": one.entry.name,
                "location": one.entry.location,
                "reason": one.reason,
            }
            for one in found
            if one.image is None
        ],
    }
    warnings = [
        Problem("image", f"{each['resource'] or each['location']} was left: {each['reason']}") for each in data["left"]
    ]
    warnings += [
        Problem(
            "image",
            f"{one.entry.name or one.entry.location}: {one.fault}",
            "it is recorded, and does not count as good",
        )
        for one in found
        if one.fault
    ]
    code = ExitCode.MASTER if problems else ExitCode.OK
    invocation.finish(Result("images import", data, code, problems, warnings, text=lambda out: _text(out, data)))


def _text(out: Printer, data: dict[str, Any]) -> None:
    if not data["images"]:
        out.line("There is nothing new to record.")
        return
    for image in data["images"]:
        proof = ", ".join(image["verified_by"]) or "not proven"
        name = image["resource"] or image["location"]
        state = image["fault"] or ("managed" if image["managed"] else "unmanaged")
        out.line(f"{name} of {image['client']}, made {image['created']}: {state} ({proof})")
    for copy in data["copies"]:
        out.line(f"{copy['name']}: {copy['location']}, a copy of {copy['image']}")
