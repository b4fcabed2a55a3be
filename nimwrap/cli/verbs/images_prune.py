"""``nimwrap images prune``: retention, with a reason for every image that stays and every one that goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Targets
from nimwrap.cli.image_targets import context_of, problems_of, recovered, rows_of
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import NimwrapError, Problem

if TYPE_CHECKING:
    from nimwrap.history.model import ImageRow
    from nimwrap.images.prune import PruneDecision


def register(images: typer.Typer) -> None:
    images.command("prune")(prune)


def prune(
    ctx: typer.Context,
    targets: Targets = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Explain every decision and change nothing.")] = False,
) -> None:
    """Remove the images that no rule keeps; never the last good one, nor what is unmanaged, pinned, held or in use.

    Example: nimwrap images prune --dry-run
    """
    from nimwrap.images.image_inventory import entry_of

    invocation = current(ctx)
    verdicts, problems = _foreseen(invocation, targets) if dry_run else _pruned(invocation, targets)
    failed = any(verdict.action == "failed" for verdict in verdicts)
    code = ExitCode.FAILED if failed else ExitCode.MASTER if problems and not dry_run else ExitCode.OK
    now = invocation.now()
    data = {
        "decisions": [
            entry_of(each.row).as_json(now) | {"action": each.action, "reason": each.reason} for each in verdicts
        ],
        "dry_run": dry_run,
    }
    errors = [] if dry_run else problems
    errors += [
        Problem(
            "nim_refused",
            f"{each.row.resource or each.row.location}: {each.reason}",
            "nimwrap recover goes on with it",
            each.row.client,
        )
        for each in verdicts
        if each.action == "failed"
    ]
    invocation.finish(
        Result("images prune", data, code, errors, problems if dry_run else (), text=lambda out: _text(out, data))
    )


def _foreseen(invocation: Invocation, targets: list[str] | None) -> tuple[list[PruneDecision], list[Problem]]:
    """The decisions alone. A master that cannot be asked only leaves open what is allocated there."""
    from nimwrap.hosts.connect import open_master
    from nimwrap.images.prune import MasterState, held_clients, plan_prune, survey

    verdicts: list[PruneDecision] = []
    problems: list[Problem] = []
    now = invocation.now()
    with invocation.reader() as reader:
        rows = rows_of(invocation, reader, targets)
        held = held_clients(reader, now)
    for master, members in _by_master(rows).items():
        host = open_master(invocation.masters[master])
        try:
            state = survey(host, invocation.masters[master])
        except NimwrapError as error:
            state = MasterState({})
            problems.append(Problem(error.code, f"{error.message}: what is allocated there is not known", error.hint))
        finally:
            host.close()
        verdicts += plan_prune(members, invocation.config, held, state, now)
    return verdicts, problems


def _pruned(invocation: Invocation, targets: list[str] | None) -> tuple[list[PruneDecision], list[Problem]]:
    from nimwrap.fleet.session import open_session
    from nimwrap.images.prune import carry_out, held_clients, plan_prune, survey

    verdicts: list[PruneDecision] = []
    now = invocation.now()
    with open_session(invocation.config) as session:
        masters = _by_master(rows_of(invocation, session.reader, targets))
        troubles = recovered(session, masters)
        held = held_clients(session.reader, now)
        for master, members in _by_master(rows_of(invocation, session.reader, targets)).items():
            if master in troubles:
                continue
            try:
                context = context_of(session, master)
                state = survey(context.host, context.master)
                planned = plan_prune(members, invocation.config, held, state, now)
                verdicts += carry_out(context, planned, state.busy, now)
            except NimwrapError as error:
                troubles[master] = error
    return verdicts, problems_of(troubles)


def _by_master(rows: list[ImageRow]) -> dict[str, list[ImageRow]]:
    masters: dict[str, list[ImageRow]] = {}
    for row in rows:
        masters.setdefault(row.master, []).append(row)
    return masters


def _text(out: Printer, data: dict[str, Any]) -> None:
    decisions = data["decisions"]
    if not decisions:
        out.line("No images are recorded.")
        return
    out.table(
        ("client", "kind", "image", "size", "action", "why"),
        [
            (
                each["client"],
                each["kind"],
                each["resource"] or each["location"],
                format_size(each["size_bytes"]),
                out.word(each["action"]),
                each["reason"],
            )
            for each in decisions
        ],
    )
    going = [each for each in decisions if each["action"] in ("remove", "removed")]
    size = format_size(sum(each["size_bytes"] for each in going))
    word = "would go" if data["dry_run"] else "are gone"
    out.line(f"{len(going)} of {len(decisions)} images {word}, {size}.")
