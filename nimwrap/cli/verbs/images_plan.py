"""``nimwrap images restore-plan``: the commands that bring a client back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli.arguments import Client
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.domain.local_time import local_text
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.records import ClientRef

if TYPE_CHECKING:
    from nimwrap.history.model import ImageRow
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.images.restore.restore_facts import RestoreFacts
    from nimwrap.images.restore.restore_plan import RestorePlan, RestoreRequest


def register(images: typer.Typer) -> None:
    images.command("restore-plan")(plan)


def plan(
    ctx: typer.Context,
    client: Client,
    to: Annotated[str | None, typer.Option(metavar="OTHER", help="Another NIM machine to restore onto.")] = None,
    image: Annotated[str | None, typer.Option(metavar="IMAGE", help="An older image than the last good one.")] = None,
) -> None:
    """Print the exact commands that restore a client on its master, with what is there and what is missing now.

    It takes the newest good image that is there as it was recorded. Nothing is changed. Exit 1 when something is
    missing that the commands need.

    Example: nimwrap images restore-plan powerha1
    """
    from nimwrap.images.restore.restore_plan import passed_over

    invocation = current(ctx)
    if to is not None and not is_nim_name(to):
        raise usage_error(f"{to[:80]!r} cannot be the name of a NIM machine")
    with invocation.reader() as reader:
        ref = _one(invocation, reader, client)
        requests = [_request(invocation, reader, row, to) for row in _images(reader, ref, image)]
        newer = [passed_over(row, row.fault or "") for row in _newer_faulty(reader, ref, requests[0].image, image)]
    made, problems = _made(invocation, requests)
    made.warnings[:0] = newer
    if invocation.json:  # on paper they stand before the steps, where they are read
        problems += [Problem("restore", note.message, note.do, ref.client) for note in made.warnings]
    errors = [Problem("restore", note.message, note.do, ref.client) for note in made.missing]
    code = ExitCode.FAILED if errors else ExitCode.OK
    invocation.finish(
        Result(
            "images restore-plan", {"plan": made.as_json()}, code, errors, problems, text=lambda out: _text(out, made)
        )
    )


def _one(invocation: Invocation, reader: Reader, client: str) -> ClientRef:
    found = clients_meant(invocation.config, reader, [client])
    if len(found) > 1:
        raise usage_error(f"{client!r} means several clients", "say which: " + ", ".join(map(str, found)))
    return found[0]


def _images(reader: Reader, ref: ClientRef, wanted: str | None) -> list[ImageRow]:
    """The good images, the newest first; or the one that is wanted."""
    rows = _bootable(reader, ref)
    if wanted is not None:
        found = [row for row in rows if wanted in (row.resource, row.location, str(row.id))]
        if not found:
            raise usage_error(f"{ref} has no image {wanted!r}", f"`nimwrap images list {ref}` shows them")
        return found[:1]
    good = [row for row in rows if row.verified and not row.fault and row.removal is None]
    if not good:
        raise NimwrapError(
            f"there is no good image of {ref}",
            FailureCode.IMAGE_MISSING,
            "`nimwrap images import` records those that NIM has; `nimwrap backup` makes one",
            client=ref.client,
        )
    return good


def _bootable(reader: Reader, ref: ClientRef) -> list[ImageRow]:
    from nimwrap.images.kinds.registry import kind_of

    rows = [row for row in reader.images(ref.master, ref.client) if kind_of(row.kind).bootable]
    return sorted(rows, key=lambda row: (row.created, row.id), reverse=True)


def _newer_faulty(reader: Reader, ref: ClientRef, taken: ImageRow, wanted: str | None) -> list[ImageRow]:
    """Images that would stand before the one taken, had nothing wrong been found in them."""
    newer = [row for row in _bootable(reader, ref) if (row.created, row.id) > (taken.created, taken.id)]
    return [row for row in newer if row.fault] if wanted is None else []


def _made(invocation: Invocation, requests: list[RestoreRequest]) -> tuple[RestorePlan, list[Problem]]:
    """The plan from the newest image that is there as recorded; from the newest of all where none is."""
    from nimwrap.actions.keep_sightings import keep_sightings
    from nimwrap.images.restore.restore_plan import passed_over, restore_plan

    plans: list[tuple[RestorePlan, list[Problem]]] = []
    for request in requests:
        facts, problems = _facts(invocation, request)
        if facts is not None:
            keep_sightings(invocation.config, request.image.master, facts.sightings, invocation.now(), invocation.warn)
        made = restore_plan(request, facts)
        if not made.image_fault:
            made.warnings[:0] = [passed_over(gone.image, gone.image_fault) for gone, _ in plans]
            return made, problems
        plans.append((made, problems))
    return plans[0]


def _request(invocation: Invocation, reader: Reader, row: ImageRow, to: str | None) -> RestoreRequest:
    from nimwrap.images.kinds.registry import kind_of
    from nimwrap.images.restore.restore_plan import RestoreRequest

    master = invocation.masters.get(row.master)
    if master is None:
        raise usage_error(f"master {row.master} is not in the configuration")
    hosts = {one.name: one.host for one in reader.clients(row.master)}
    target = to or row.client
    runs = reader.runs_by_id([row.run]) if row.run else []
    others: dict[str, ImageRow] = {}
    for other in reader.images(row.master, row.client):
        if not kind_of(other.kind).bootable and other.verified and not other.fault:
            others.setdefault((other.resource or other.location)[:-16], other)
    return RestoreRequest(
        row,
        target,
        hosts.get(target) or target,
        row.master,
        runs[0] if runs else None,
        tuple(others.values()),
        invocation.now(),
        tuple(_bootable(reader, row.ref)),
    )


def _facts(invocation: Invocation, request: RestoreRequest) -> tuple[RestoreFacts | None, list[Problem]]:
    from nimwrap.hosts.connect import open_master
    from nimwrap.images.restore.restore_facts import gather

    host = open_master(invocation.masters[request.image.master])
    try:
        spool = invocation.masters[request.image.master].spool
        return gather(host, request.image, request.target, request.target_host, request.master_host, spool), []
    except NimwrapError as error:
        unseen = "nothing could be checked on the master; the commands are what the history leads to"
        return None, [Problem(error.code, f"{error.message}: {unseen}", error.hint)]
    finally:
        host.close()


def _text(out: Printer, made: RestorePlan) -> None:
    row = made.image
    out.heading(f"Restore {made.client}" + (f" onto {made.target}" if made.target != made.client else ""))
    out.pairs(
        [
            ("image", f"{row.resource} ({row.location}, {format_size(row.size_bytes)})"),
            ("made", f"{local_text(row.created)} (the time in its name is UTC)"),
            ("level", row.oslevel),
            ("SPOT", made.spot),
            ("master", row.master),
        ]
    )
    for note in made.warnings:
        out.line()
        out.line(f"{out.paint('Mind', 'warn')}: {note.message}.")
        out.line(f"   {note.do}")
    for number, step in enumerate(made.steps, start=1):
        out.line()
        out.line(f"{number}. {step.title}" + (" (optional)" if step.optional else ""))
        if step.command:
            out.line(f"   {step.command}")
        if step.note:
            out.line(f"   {out.paint(step.note, 'dim')}")
    out.line()
    out.heading("Other ways")
    for way in made.other_ways:
        out.line(f"- {way.title}: {way.command}")
        out.line(f"  {out.paint(way.note, 'dim')}")
