"""``nimwrap hold`` and ``release``: keep clients out of backups for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from nimwrap.cli.arguments import SomeTargets
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.time_args import after_now, full
from nimwrap.clients.known_clients import recorded_clients
from nimwrap.clients.selection import Selection, Unresolved, UnresolvedReason, select
from nimwrap.clients.target_errors import all_resolved, any_resolved
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.ref import ClientRef


def register(app: typer.Typer) -> None:
    app.command()(hold)
    app.command()(release)


def hold(
    ctx: typer.Context,
    targets: SomeTargets,
    reason: Annotated[str, typer.Option(metavar="R", help="Why; shown wherever the client is left out.")],
    until: Annotated[
        str | None, typer.Option(metavar="T", help="When it ends by itself: a duration, a date or a time.")
    ] = None,
) -> None:
    """Keep clients out of backups until they are released.

    A group and a glob are held as who is known of them now.

    Example: nimwrap hold powerha1 --reason "disk swap" --until 2026-12-01
    """
    invocation = current(ctx)
    why = reason.strip()
    if not why:
        raise usage_error("the reason is empty", "say why, for whoever finds the client unprotected")
    now = invocation.now()
    end = after_now(until, now, "--until") if until is not None else None
    refs, unknown = _to_hold(invocation, targets)
    warnings = [
        Problem("client_unknown", f"nothing called {ref.client} is known here", "check the name", ref.client)
        for ref in unknown
    ]
    with invocation.store() as store:
        for ref in refs:
            store.hold(ref.master, ref.client, why, now, end)
    holds = [{"client": ref.client, "master": ref.master, "reason": why, "since": now, "until": end} for ref in refs]
    said = [f"{ref} is held {f'until {full(end)}' if end else 'until it is released'}: {why}" for ref in refs]
    data = {"hold": holds[0], "holds": holds}
    invocation.finish(Result("hold", data, warnings=warnings, text=lambda printer: printer.line("\n".join(said))))


def release(ctx: typer.Context, targets: SomeTargets) -> None:
    """End the hold of clients.

    Example: nimwrap release powerha1
    """
    invocation = current(ctx)
    groups = invocation.settings.groups
    with invocation.reader() as reader:
        held = {ClientRef(row.master, row.client) for row in reader.holds()}
        known = recorded_clients(invocation.settings, reader)
    for ref in held:
        known = known.with_names(ref.master, [ref.client])
    meant = any_resolved(select(targets, known, groups), known, groups)
    released = []
    if held.intersection(meant):
        with invocation.store() as store:
            released = [ref for ref in meant if ref in held and store.release(ref.master, ref.client, invocation.now())]
    said = [f"{ref} is released" for ref in released] or [f"{' '.join(targets)} was not held"]
    data = {"released": [{"client": ref.client, "master": ref.master} for ref in released]}
    invocation.finish(Result("release", data, text=lambda printer: printer.line("\n".join(said))))


def _to_hold(invocation: Invocation, targets: Sequence[str]) -> tuple[list[ClientRef], list[ClientRef]]:
    """The clients meant, and those among them that nobody knows yet: a name may be held before NIM has it."""
    config = invocation.config
    with invocation.reader() as reader:
        known = recorded_clients(config, reader)
    selection = select(targets, known, config.groups)
    new = {each: ref for each in selection.unresolved if (ref := _to_be(invocation, each))}
    rest = tuple(each for each in selection.unresolved if each not in new)
    refs = [*all_resolved(Selection(selection.refs, unresolved=rest), known, config.groups), *new.values()]
    if not refs:
        raise usage_error("no client is known here yet", "`nimwrap status --refresh` asks the masters")
    return refs, list(new.values())


def _to_be(invocation: Invocation, each: Unresolved) -> ClientRef | None:
    """The client that a name will be of, when it is a NIM name and only one master can be meant."""
    master, _, name = each.target.rpartition("/")
    if each.reason is not UnresolvedReason.UNKNOWN or each.group or not is_nim_name(name):
        return None
    masters = [master] if master else list(invocation.masters)
    if len(masters) > 1:
        choice = ", ".join(f"{one}/{name}" for one in masters)
        raise usage_error(f"several masters may mean {name!r}", f"say which: {choice}")
    return ClientRef(masters[0], name) if masters[0] in invocation.masters else None
