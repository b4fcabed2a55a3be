"""``nimwrap images files`` and ``diff``: what an image holds, and what changed between two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.image_targets import named_images
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.history.model import ImageRow
    from nimwrap.hosts.protocol import Host
    from nimwrap.images.image_contents import ImageDifference

_SHOWN = 40
Image = Annotated[str, typer.Argument(metavar="IMAGE", help="A resource, a place or a number of `images list`.")]


def register(images: typer.Typer) -> None:
    images.command("files")(files)
    images.command("extract")(extract)
    images.command("diff")(diff)


def files(
    ctx: typer.Context,
    image: Image,
    glob: Annotated[str | None, typer.Argument(metavar="[GLOB]", help="A glob, or a path and what is below.")] = None,
) -> None:
    """List the names in an image, or those that a glob means.

    The first time the image is read to its end on its master; the list is kept for the next.

    Example: nimwrap images files 12 '/etc/*.conf'
    """
    from nimwrap.images.kept_lists import matching

    invocation = current(ctx)
    (row,) = _images(invocation, image)
    found = matching(_names(invocation, row), glob)
    data = {"image": row.resource or row.location, "client": row.client, "files": [{"path": name} for name in found]}
    invocation.finish(Result("images files", data, text=lambda out: out.line("\n".join(found)) if found else None))


def extract(
    ctx: typer.Context,
    image: Image,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Paths or globs, as for `images files`.")],
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="A directory on the master.")],
    force: Annotated[bool, typer.Option("--force", help="Write over what lies there.")] = False,
) -> None:
    """Bring single files out of an image into a directory on its master, with their owner and mode.

    Nothing that lies there already is written over without --force: then nothing is extracted at all.

    Example: nimwrap images extract 12 /etc/hosts --to /tmp/restored
    """
    from nimwrap.images.extract_files import extract_files
    from nimwrap.images.kept_lists import matching

    invocation = current(ctx)
    (row,) = _images(invocation, image)
    known = _names(invocation, row)
    meant: dict[str, None] = {}
    for path in paths:
        found = matching(known, path)
        if not found:
            raise usage_error(f"{path!r} is not in {row.resource or row.location}", "nimwrap images files lists it")
        meant.update(dict.fromkeys(found))
    with _master(invocation, row) as host:
        files = extract_files(host, row, list(meant), to, force=force)
    with invocation.store() as store:
        store.event(
            Act("extract", ActName.EXTRACT, row.resource or row.location),
            f"{len(files)} files of {row.resource or row.location} to {to}",
            run=row.run,
            master=row.master,
            data={"image": row.id, "files": [file.path for file in files]},
        )
    data = {"image": row.resource or row.location, "client": row.client, "master": row.master, "files": files}
    rows = [(file.mode, file.owner, file.size_bytes, file.location) for file in files]
    invocation.finish(
        Result("images extract", data, text=lambda out: out.table(("mode", "owner", "bytes", "file"), rows))
    )


def diff(
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help="The image before, as for `images files`.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The image after.")],
) -> None:
    """Say what image B has that A has not, and the other way round: files, filesets, and where most of it is.

    Example: nimwrap images diff 11 12
    """
    from nimwrap.images.image_contents import difference, fileset_changes, filesets_in

    invocation = current(ctx)
    rows = [_images(invocation, name)[0] for name in (before, after)]
    names = [_names(invocation, row) for row in rows]
    filesets = []
    for row in rows:
        with _master(invocation, row) as host:
            filesets.append(filesets_in(host, row))
    found = difference(names[0], names[1], fileset_changes(filesets[0], filesets[1]))
    untold = [row for row, each in zip(rows, filesets, strict=True) if each is None]
    warnings = [Problem("image", f"{row.resource or row.location} does not tell its filesets") for row in untold]
    data = _diff_json(rows, found)
    invocation.finish(Result("images diff", data, warnings=warnings, text=lambda out: _diff_text(out, data)))


def _images(invocation: Invocation, name: str) -> list[ImageRow]:
    with invocation.reader() as reader:
        return named_images([row for row in reader.images() if row.master in invocation.masters], [name])[:1]


def _names(invocation: Invocation, row: ImageRow) -> list[str]:
    from nimwrap.images.kept_lists import kept_list

    directory = invocation.config.state_dir / "lists"
    if (known := kept_list(directory, row)) is not None:
        return known
    from nimwrap.images.image_contents import names_in

    with _master(invocation, row) as host:
        return names_in(host, directory, row)


@contextmanager
def _master(invocation: Invocation, row: ImageRow) -> Iterator[Host]:
    from nimwrap.hosts.connect import open_master

    host = open_master(invocation.masters[row.master])
    try:
        yield host
    finally:
        host.close()


def _diff_json(rows: Sequence[ImageRow], found: ImageDifference) -> dict[str, Any]:
    changes = found.filesets
    before, after = rows
    return {
        "before": before.resource or before.location,
        "after": after.resource or after.location,
        "grown_bytes": after.size_bytes - before.size_bytes,
        "added": found.added,
        "removed": found.removed,
        "filesets": {
            "added": [{"fileset": name, "level": level} for name, level in changes.added] if changes else [],
            "removed": [{"fileset": name, "level": level} for name, level in changes.removed] if changes else [],
            "changed": [{"fileset": n, "before": old, "after": new} for n, old, new in changes.changed]
            if changes
            else [],
        },
        "busiest": [{"directory": place, "added": came, "removed": went} for place, came, went in found.busiest],
    }


def _diff_text(out: Printer, data: dict[str, Any]) -> None:
    grown = data["grown_bytes"]
    size = f"{'larger' if grown >= 0 else 'smaller'} by {format_size(abs(grown))}"
    out.line(f"{data['after']} is {size} than {data['before']}.")
    for mark, names in (("+", data["added"]), ("-", data["removed"])):
        for name in names[:_SHOWN]:
            out.line(f"{mark} {name}")
        if len(names) > _SHOWN:
            out.line(f"{mark} ... {len(names) - _SHOWN} more; all with --json")
    filesets = data["filesets"]
    for each in filesets["added"]:
        out.line(f"+ fileset {each['fileset']} {each['level']}")
    for each in filesets["removed"]:
        out.line(f"- fileset {each['fileset']} {each['level']}")
    for each in filesets["changed"]:
        out.line(f"  fileset {each['fileset']} {each['before']} -> {each['after']}")
    if data["busiest"]:
        rows = [(each["directory"], each["added"], each["removed"]) for each in data["busiest"]]
        out.table(("directory", "came", "went"), rows)
