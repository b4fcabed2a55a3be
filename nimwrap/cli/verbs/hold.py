"""``nimwrap hold`` and ``release``: keep a client out of backups for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from nimwrap.cli.arguments import Client
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.time_args import after_now, full
from nimwrap.clients.known_clients import recorded_clients
from nimwrap.clients.selection import select
from nimwrap.clients.target_errors import any_resolved
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.records import ClientRef


def register(app: typer.Typer) -> None:
    app.command()(hold)
    app.command()(release)


def hold(
    ctx: typer.Context,
    client: Client,
    reason: Annotated[str, typer.Option(metavar="R", help="Why; shown wherever the client is left out.")],
    until: Annotated[
        str | None, typer.Option(metavar="T", help="When it ends by itself: a duration, a date or a time.")
    ] = None,
) -> None:
    """Keep a client out of backups until it is released.

    Example: nimwrap hold powerha1 --reason "disk swap" --until 2026-12-01
    """
    invocation = current(ctx)
    if not reason.strip():
        raise usage_error("the reason is empty", "say why, for whoever finds the client unprotected")
    now = invocation.now()
    end = after_now(until, now, "--until") if until is not None else None
    ref, known = _one_client(invocation, client)
    warnings = []
    if not known:
        warnings.append(Problem("client_unknown", f"nothing called {client} is known here", "check the name", client))
    with invocation.store() as store:
        store.hold(ref.master, ref.client, reason.strip(), now, end)
    data = {"hold": {"client": ref.client, "master": ref.master, "reason": reason.strip(), "since": now, "until": end}}
    said = f"{ref} is held {f'until {full(end)}' if end else 'until it is released'}: {reason.strip()}"
    invocation.finish(Result("hold", data, warnings=warnings, text=lambda printer: printer.line(said)))


def release(
    ctx: typer.Context,
    client: Client,
) -> None:
    """End the hold of a client.

    Example: nimwrap release powerha1
    """
    invocation = current(ctx)
    with invocation.reader() as reader:
        held = {ClientRef(row.master, row.client) for row in reader.holds()}
        known = recorded_clients(invocation.settings, reader)
    for ref in held:
        known = known.with_names(ref.master, [ref.client])
    groups = invocation.settings.groups
    matching = [ref for ref in any_resolved(select([client], known, groups), known, groups) if ref in held]
    released = []
    if matching:
        with invocation.store() as store:
            released = [ref for ref in matching if store.release(ref.master, ref.client, invocation.now())]
    said = [f"{ref} is released" for ref in released] or [f"{client} was not held"]
    data = {"released": [{"client": ref.client, "master": ref.master} for ref in released]}
    invocation.finish(Result("release", data, text=lambda printer: printer.line("\n".join(said))))


def _one_client(invocation: Invocation, text: str) -> tuple[ClientRef, bool]:
    """The client that ``text`` names, and whether anything is known of it."""
    master, _, name = text.rpartition("/")
    if not is_nim_name(name) or (master and master not in invocation.masters):
        masters = ", ".join(invocation.masters)
        raise usage_error(f"{text!r} cannot be a client", f"write a NIM name or master/client; masters: {masters}")
    with invocation.reader() as reader:
        known = recorded_clients(invocation.settings, reader)
    found = select([text], known, invocation.settings.groups).all_of_a_name
    if len(found) == 1:
        return found[0], True
    masters_with_it = [ref.master for ref in found] or ([master] if master else list(invocation.masters))
    if len(masters_with_it) > 1:
        raise usage_error(
            f"several masters may mean {name!r}", f"say which: {', '.join(f'{one}/{name}' for one in masters_with_it)}"
        )
    return ClientRef(masters_with_it[0], name), bool(found)
