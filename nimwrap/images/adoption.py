"""Taking in what was there before nimwrap: ``import`` records it as unmanaged, ``adopt`` makes it nimwrap's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from nimwrap.aix.lsmksysb import ImageHeader
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.domain.names import PLAIN_KIND, is_nim_name, is_safe_path
from nimwrap.images import image_probe
from nimwrap.images.image_fault import ImageFault, fault_columns
from nimwrap.images.image_inventory import InventoriedImage
from nimwrap.images.image_probe import Place, ProbedImage
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.kit.manifest import Manifest
from nimwrap.images.master_catalog import MasterCatalog
from nimwrap.images.reverify import BATCH, QUICK
from nimwrap.images.sightings import identity_columns
from nimwrap.images.verification import file_fault, header_fault, host_fault, resource_fault, short_name
from nimwrap.master_context import MasterContext


@dataclass(frozen=True)
class Imported:
    """One resource that was looked at. ``image``: its new row; None when it was left, and ``reason`` says why."""

    entry: InventoriedImage
    image: int | None
    verified_by: tuple[str, ...] = ()
    fault: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class ImportRules:
    """``clients``: whose plain files are taken in, None for everybody's. ``manifests``: by the place of the image."""

    clients: Collection[str] | None = None
    manifests: Mapping[str, Manifest] = field(default_factory=dict)


EVERYTHING = ImportRules()


def record_images(
    context: MasterContext,
    entries: Sequence[InventoriedImage],
    stock: MasterCatalog,
    now: datetime,
    rules: ImportRules = EVERYTHING,
) -> list[Imported]:
    """Record images that the history does not know, each looked at quickly, as unmanaged.

    Of one with a manifest (by its place) all that is recorded again which was recorded once.

    They count for age and status from now on, and never for retention. A plain file without a resource is an image
    where the reader of its kind reads it, and one of the clients where these are given; whatever else lies there is
    passed over.
    """
    clients, known = rules.clients, rules.manifests
    imported = []
    fit = []
    for listed in entries:
        made = known.get(listed.location)
        entry = replace(listed, kind=made.image["kind"]) if made else listed
        reason = _unfit(entry)
        if reason:
            imported.append(Imported(entry, None, reason=reason))
        else:
            fit.append(entry)
    for start in range(0, len(fit), BATCH):
        batch = fit[start : start + BATCH]
        asked = [each for n, entry in enumerate(batch) for each in image_probe.questions(_place(entry), tag=f"_{n}")]
        given = image_probe.ask(context.host, asked, timeout=600)
        for number, entry in enumerate(batch):
            seen = image_probe.seen(_place(entry), given, tag=f"_{number}")
            made = known.get(entry.location)
            if made or entry.resource is not None or _is_of(seen, stock, clients):
                imported.append(_record(context, Found(entry, seen, made), stock, now))
    return imported


def unrecorded(
    entries: Iterable[InventoriedImage], busy: Collection[str] = (), manifests: Collection[str] = ()
) -> list[InventoriedImage]:
    """Those that the history does not know: what NIM knows, plain files that may be images, and what has a manifest.

    Not the files in directories that are ``busy``: somebody may just be making one there.
    """
    found = []
    for entry in entries:
        if entry.row is not None:
            continue
        if entry.resource is not None:
            found.append(entry)
        elif _may_be_image(entry, manifests) and str(PurePosixPath(entry.location).parent) not in busy:
            found.append(replace(entry, kind=entry.kind or PLAIN_KIND))
    return found


def _may_be_image(entry: InventoriedImage, manifests: Collection[str]) -> bool:
    """Whether a plain file is worth a look: it has a manifest, or is large enough and of a kind that can be read."""
    if entry.location in manifests:
        return True
    proof = kind_of(entry.kind or PLAIN_KIND).proof
    return proof.reader is not None and (entry.size_bytes or 0) >= proof.floor_bytes


def _is_of(seen: ProbedImage, stock: MasterCatalog, clients: Collection[str] | None) -> bool:
    """Whether a plain file is an image at all, and of one of the clients that are meant."""
    if seen.header is None:
        return False
    return clients is None or stock.hosts.get(short_name(seen.header.node)) in clients


def _unfit(entry: InventoriedImage) -> str | None:
    if not is_safe_path(entry.location):
        return f"its location {entry.location!r} is not a plain path"
    if entry.resource is None:
        return None
    if not is_nim_name(entry.name or ""):
        return f"{entry.name!r} is not a NIM name"
    if entry.size_bytes is None:
        return "there is no file at its location"
    server = entry.resource.first("server") if entry.resource else None
    return f"its file lies on {server}, not on the master" if server not in (None, "master") else None


def _place(entry: InventoriedImage) -> Place:
    return Place(kind_of(entry.kind or ""), entry.location, entry.name)


@dataclass(frozen=True)
class Found:
    """An image that was looked at; ``manifest``: what lies beside it, None without one."""

    entry: InventoriedImage
    seen: ProbedImage
    manifest: Manifest | None


def _record(context: MasterContext, found: Found, stock: MasterCatalog, now: datetime) -> Imported:
    entry, seen, manifest = found.entry, found.seen, found.manifest
    if why := seen.unjudged(_place(entry)):
        return Imported(entry, None, reason=why)
    header = seen.header
    resource = entry.resource
    node = header.node if header else None
    client = (stock.client_of(resource, node) if resource else stock.hosts.get(short_name(node or ""))) or ""
    if manifest:
        client = manifest.image["client"]
    if not is_nim_name(client):
        whose = f" (it is of {header.node})" if header else ""
        return Imported(entry, None, reason=f"no NIM client is known for it{whose}")
    created = entry.created or (_date(header) if header else None)
    if manifest:
        created = parse_rfc3339(manifest.image["created"])
    if created is None:
        return Imported(entry, None, reason="when it was made is not known")
    failure = _fault(entry, seen, client, stock)
    verified_by = () if failure else _evidence(entry, seen)
    fault = ImageFault.found(failure, QUICK) if failure else None
    values = {
        "client": client,
        "master": entry.master,
        "kind": entry.kind,
        "resource": entry.name,
        "location": entry.location,
        "size_bytes": seen.size_bytes or 0,
        "verified": failure is None,
        "verified_by": list(verified_by),
        "verified_at": now,
        **fault_columns(fault),
        "managed": False,
        "node": header and header.node,
        "machine_id": header and header.machine_id,
        "oslevel": _level(entry, header),
        "created": created if manifest else min(created, now),
        "recorded": now,
        **(identity_columns(seen.identity) if seen.identity else {}),
    }
    image = context.store.add_found_image(**(values | (recorded_before(context, manifest, fault) if manifest else {})))
    if image is None:
        return Imported(entry, None, reason="it was recorded meanwhile")
    name, how = entry.name or entry.location, "by its manifest" if manifest else "as unmanaged"
    act = Act("import", ActName.IMPORT, name)
    context.note(None, act, f"recorded {name} of {client} {how}", {"image": image}, at=now)
    return Imported(entry, image, verified_by, fault.text if fault else None)


def recorded_before(context: MasterContext, manifest: Manifest, fault: ImageFault | None) -> dict[str, Any]:
    """The columns that a manifest knows better than a look: proof, pin, times, checksum. A fault seen now stands."""
    kept = ("outcome", "verified", "verified_by", "verified_at", "verified_full_at", "managed", "pinned")
    more = ("node", "machine_id", "oslevel", "file_count", "cksum", "recorded")
    values = {name: manifest.image[name] for name in (*kept, *more)}
    if fault is None:
        values |= {name: manifest.image[name] for name in ("fault", "fault_code", "fault_level")}
    run = manifest.image["run"]
    values["run"] = run if run and context.queries.stored_run(run) else None
    return values


def _evidence(entry: InventoriedImage, seen: ProbedImage) -> tuple[str, ...]:
    reader = _place(entry).kind.proof.reader
    return ("file", *([reader] if reader and seen.header else []), *(["resource"] if entry.resource else []))


def _level(entry: InventoriedImage, header: ImageHeader | None) -> str | None:
    said = [header.service_pack, header.maintenance_level, header.oslevel] if header else []
    known = [entry.resource.first("oslevel_s"), entry.resource.first("oslevel_r")] if entry.resource else []
    return next((text for text in (*said, *known) if text), None)


def _fault(entry: InventoriedImage, seen: ProbedImage, client: str, stock: MasterCatalog) -> Failure | None:
    """What a quick look says. The client itself is not asked, so only an image of another known client is wrong."""
    place = _place(entry)
    fault = file_fault(seen, place) or header_fault(seen, place, 0) or resource_fault(seen, place)
    if fault is None and seen.header is not None:
        other = stock.hosts.get(short_name(seen.header.node))
        if other not in (None, client):
            return host_fault(seen, client, None)
    return fault


def _date(header: ImageHeader) -> datetime | None:
    """The image's own date, read without its zone, which has no unique meaning: good to within a day."""
    words = header.backup_date.split()
    plain = " ".join([*words[:4], *words[-1:]])
    try:
        return datetime.strptime(plain, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
