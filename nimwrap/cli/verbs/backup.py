"""``nimwrap backup``: preflight, remedy where needed, image, proof, record."""

from __future__ import annotations

from typing import Annotated

import typer

from nimwrap.cli import completion
from nimwrap.cli.arguments import Everything, Targets, with_everyone
from nimwrap.cli.invocation import current
from nimwrap.cli.output.streams import someone_watches
from nimwrap.domain.errors import usage_error


def register(app: typer.Typer) -> None:
    app.command()(backup)


def backup(
    ctx: typer.Context,
    targets: Targets = None,
    everything: Everything = False,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="G", help="The clients of a group.", autocompletion=completion.groups),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print plan and commands; change nothing.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again what can pass, also where a person waits for one client.")
    ] = False,
    no_remedy: Annotated[bool, typer.Option("--no-remedy", help="Refuse instead of changing an export.")] = False,
) -> None:
    """Back up clients: check, let in where needed, make the image, prove it, record it.

    A refusal that can pass (nimsh is down, the client is busy) is told at once to a person at a terminal who asks for
    one client; else it is tried again, as [retry] says.

    Example: nimwrap backup powerha1
    """
    from nimwrap.actions.backup_clients import Asking, backup_clients, plan_backup
    from nimwrap.cli.fleet_watch import FleetWatch
    from nimwrap.cli.output.fleet_result import begun_by_hand, fleet_result

    invocation = current(ctx)
    wanted = with_everyone(targets, group, everything=everything)
    if not wanted:
        raise usage_error("backup needs a client, a group or --all", "nimwrap backup powerha1")
    config = invocation.config.saying(export_change="never") if no_remedy else invocation.config
    invocation.need_masters()
    if dry_run:
        from nimwrap.cli.output.plan_view import dry_run_result

        plan = plan_backup(config, wanted, invocation.issued)
        invocation.finish(begun_by_hand(dry_run_result(plan), config, plan.order, invocation.issued))
    watch = FleetWatch(invocation)
    asking = Asking(invocation.issued, at_terminal=someone_watches(), retry=retry)
    fleet = backup_clients(config, wanted, asking, watch)
    result = fleet_result("backup", fleet, watch.left_by)
    invocation.finish(begun_by_hand(result, config, fleet.order, invocation.issued))
