"""``nimwrap images list``: every image, whether nimwrap made it or not, and what does not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from nimwrap.cli.arguments import Targets
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import short
from nimwrap.clients.known_clients import KnownClients, recorded_clients
from nimwrap.clients.selection import select
from nimwrap.clients.target_errors import any_resolved
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.errors import NimwrapError, Problem
from nimwrap.domain.local_time import zone
from nimwrap.domain.records import ClientRef

if TYPE_CHECKING:
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.images.image_inventory import InventoriedImage
    from nimwrap.images.master_catalog import MasterCatalog


def register(images: typer.Typer) -> None:
    images.command("list")(list_images)


def list_images(ctx: typer.Context, targets: Targets = None) -> None:
    """List images with their proof, age and state; also unmanaged ones, and what has lost its file or its resource.

    Reads the masters; one that cannot be reached is shown as the history knows it, and the exit code is 12.

    Example: nimwrap images list powerha1
    """
    from nimwrap.actions.keep_sightings import keep_sightings
    from nimwrap.images.image_inventory import inventory
    from nimwrap.images.sightings import as_seen

    invocation = current(ctx)
    unreachable: list[Problem] = []
    entries: list[InventoriedImage] = []
    filesystems: list[dict[str, Any]] = []
    with invocation.reader() as reader:
        known = recorded_clients(invocation.config, reader)
        for master in invocation.masters:
            rows = reader.images(master)
            stock = _stock(invocation, master, [row.location for row in rows], unreachable)
            if stock is not None:
                rows = as_seen(rows, stock.seen, invocation.now())
                keep_sightings(invocation.config, master, stock.seen, invocation.now(), invocation.warn)
            found = inventory(master, rows, stock, invocation.now())
            known = known.with_names(master, [entry.client for entry in found if entry.client])
            if stock is not None:
                known = known.with_names(master, stock.hosts.values())
                filesystems += _filesystems(invocation, reader, master, stock)
            entries += found
    shown = _chosen(entries, targets or [], known, invocation)
    warnings = [
        Problem("image", f"{entry.name or entry.location}: {remark}", client=entry.client)
        for entry in shown
        for remark in entry.remarks
    ]
    data = {"images": [entry.as_json(invocation.now()) for entry in shown], "filesystems": filesystems}
    code = ExitCode.MASTER if unreachable else ExitCode.OK
    text = lambda out: _text(out, data)  # noqa: E731
    invocation.finish(Result("images list", data, code, unreachable, warnings, text))


def _stock(invocation: Invocation, master: str, places: list[str], unreachable: list[Problem]) -> MasterCatalog | None:
    from nimwrap.hosts.connect import open_master
    from nimwrap.images.master_catalog import read_catalog

    host = open_master(invocation.masters[master])
    try:
        return read_catalog(host, invocation.config, master, places)
    except NimwrapError as error:
        unreachable.append(Problem(error.code, f"{error.message}: what follows is what the history knows", error.hint))
        return None
    finally:
        host.close()


def _chosen(
    entries: list[InventoriedImage], targets: list[str], known: KnownClients, invocation: Invocation
) -> list[InventoriedImage]:
    """The entries of the clients meant; without a target all, those of no known client last."""
    if not targets:
        return sorted(entries, key=lambda entry: (entry.client is None, entry.master, entry.client or ""))
    config = invocation.config
    wanted = set(any_resolved(select(targets, known, config.groups), known, config.groups))
    return [entry for entry in entries if entry.client and ClientRef(entry.master, entry.client) in wanted]


def _filesystems(invocation: Invocation, reader: Reader, master: str, stock: MasterCatalog) -> list[dict[str, Any]]:
    from nimwrap.images.capacity import outlook

    now = invocation.now()
    return [
        {
            "master": master,
            "filesystem": one.filesystem,
            "free_bytes": one.free_bytes,
            "worst_bytes": one.worst_bytes,
            "full_on": one.full_on,
            "growing": [{"client": each.client, "bytes_per_day": round(each.bytes_per_day)} for each in one.growing],
        }
        for one in outlook(reader, invocation.config, master, stock, now)
    ]


def _text(out: Printer, data: dict[str, Any]) -> None:
    if not data["images"]:
        out.line("No images are known. `nimwrap images import` records those that NIM has.")
    else:
        out.table(
            ("id", "client", "kind", _resource_header(), f"made ({zone()})", "age", "size", "proof", "state"),
            [_line(out, image) for image in data["images"]],
        )
    for one in data["filesystems"]:
        full = f", full around {one['full_on']:%Y-%m-%d}" if one["full_on"] else ""
        grows = [f"{each['client']} grows {format_size(each['bytes_per_day'])} a day" for each in one["growing"]]
        free, worst = format_size(one["free_bytes"]), format_size(one["worst_bytes"])
        said = [f"{free} free, one round of backups takes up to {worst}{full}", *grows]
        out.line(f"{one['master']}:{one['filesystem']}: {'; '.join(said)}")


def _resource_header() -> str:
    """Names bear the UTC of their making: said where the times beside them are in another zone."""
    return "resource" if zone() == "UTC" else "resource (named in UTC)"


def _line(out: Printer, image: dict[str, Any]) -> tuple[object, ...]:
    age = format_duration(image["age_s"]) if image["age_s"] is not None else None
    size = format_size(image["size_bytes"]) if image["size_bytes"] is not None else None
    return (
        image["id"],
        image["client"],
        image["kind"],
        image["resource"] or image["location"],
        short(image["created"]),
        age,
        size,
        out.word(_proof(image)),
        ", ".join(_state(image)),
    )


def _proof(image: dict[str, Any]) -> str:
    if image["fault"]:
        return "fault"
    if not image["verified"]:
        return "-"
    return str(image["outcome"])


def _state(image: dict[str, Any]) -> list[str]:
    words = [] if image["managed"] else ["unmanaged"]
    words += [word for word in ("pinned", "allocated") if image[word]]
    return [*words, *([str(image["fault"])] if image["fault"] else []), *image["remarks"]]
