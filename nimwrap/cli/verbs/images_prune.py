"""``nimwrap images prune``: retention, with a reason for every image that stays and every one that goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Targets
from nimwrap.cli.image_targets import problems_of, rows_of
from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import NimwrapError, Problem, usage_error

if TYPE_CHECKING:
    pass


def register(images: typer.Typer) -> None:
    images.command("prune")(prune)


def prune(
    ctx: typer.Context,
    targets: Targets = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Explain every decision and change nothing.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="You have seen why removals are stopped; they go on from now.")
    ] = False,
) -> None:
    """Remove the images that no rule keeps; never the last good one, nor what is unmanaged, pinned, held or in use.

    When many images of a master are gone or changed at once, nothing is removed there until --resume.

    Example: nimwrap images prune --dry-run
    """
    from nimwrap.actions.prune_images import plan_removals, prune_images
    from nimwrap.images.image_inventory import entry_of

    invocation = current(ctx)
    if dry_run and resume:
        raise usage_error("--resume changes something, --dry-run does not", "first --dry-run, then --resume")
    decide = plan_removals if dry_run else partial(prune_images, resume=resume)
    done = decide(invocation.config, partial(rows_of, invocation, targets), invocation.now())
    verdicts = done.decisions
    problems = [_left_open(error) for error in done.troubles] if dry_run else problems_of(done.troubles)
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


def _left_open(error: NimwrapError) -> Problem:
    return Problem(error.code, f"{error.message}: what is allocated there is not known", error.hint)


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
