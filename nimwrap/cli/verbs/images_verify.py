"""``nimwrap images verify``: looks at images again; exit 1 when one has a fault."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import Targets
from nimwrap.cli.image_targets import problems_of, rows_of
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import parse_duration
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.images.reverify import Budget, Check


def register(images: typer.Typer) -> None:
    images.command("verify")(verify_images)


def verify_images(
    ctx: typer.Context,
    targets: Targets = None,
    full: Annotated[bool, typer.Option("--full", help="Read every image to its end.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Read to its end what verify_full_every asks for.")] = False,
    limit_time: Annotated[
        str | None, typer.Option(metavar="T", help="Begin nothing after this long, such as 30m; the oldest go first.")
    ] = None,
    copies: Annotated[bool, typer.Option("--copies", help="Read back the copies in other places instead.")] = False,
) -> None:
    """Look at images again: file, header, host and resource; with --full everything in them.

    An image in whose directory a backup is running is left for the next time. Exit 1 when any image has a fault.

    Example: nimwrap images verify --full powerha1
    """
    invocation = current(ctx)
    if copies:
        from nimwrap.cli.verbs.copies_verify import verify_copies

        verify_copies(invocation, targets)
    budget = _budget(limit_time)
    from nimwrap.actions.verify_images import VerifyRequest
    from nimwrap.actions.verify_images import verify_images as look_again

    def tell(check: Check) -> None:
        invocation.say(f"{check.row.resource or check.row.location}: {_word(check)}")

    request = VerifyRequest(full, due, budget, invocation.now())
    done = look_again(invocation.config, partial(rows_of, invocation, targets), request, tell)
    _finish(invocation, done.checks, problems_of(done.troubles))


def _budget(limit: str | None) -> Budget:
    from nimwrap.images.reverify import Budget

    if limit is None:
        return Budget(lambda: None)
    try:
        seconds = parse_duration(limit)
    except ValueError as error:
        raise usage_error(f"--limit-time: {error}") from error
    ends = time.monotonic() + seconds
    return Budget(lambda: ends - time.monotonic())


def _finish(invocation: Invocation, checks: list[Check], problems: list[Problem]) -> None:
    from nimwrap.images.image_inventory import entry_of

    now = invocation.now()
    with invocation.reader() as reader:
        after = {row.id: row for row in reader.images_by_id([check.row.id for check in checks])}
    faults = [check for check in checks if check.ok is False]
    code = ExitCode.FAILED if faults else ExitCode.MASTER if problems else ExitCode.OK
    errors = problems + [
        Problem(
            (check.fault and check.fault.code) or "image",
            f"{check.row.resource or check.row.location}: {check.fault}",
            "`nimwrap backup` makes a new one; this one no longer counts",
            check.row.client,
        )
        for check in faults
    ]
    warnings = [
        Problem("image", f"{check.row.resource}: {said}", client=check.row.client)
        for check in checks
        for said in check.warnings
    ]
    data = {
        "images": [
            entry_of(after[check.row.id]).as_json(now)
            | {"level": check.level, "ok": check.ok, "fault": _fault_text(check), "skipped": check.skipped}
            for check in checks
        ]
    }
    invocation.finish(Result("images verify", data, code, errors, warnings, text=lambda out: _text(out, data)))


def _fault_text(check: Check) -> str | None:
    return check.fault.text if check.fault else None


def _word(check: Check) -> str:
    if check.ok is None:
        return f"left: {check.skipped}"
    return f"{check.level}: {'ok' if check.ok else check.fault}"


def _text(out: Printer, data: dict[str, Any]) -> None:
    if not data["images"]:
        out.line("No images are recorded.")
        return
    out.table(
        ("client", "kind", "image", "level", "result", "what"),
        [
            (
                each["client"],
                each["kind"],
                each["resource"] or each["location"],
                each["level"],
                out.word("ok" if each["ok"] else "skipped" if each["ok"] is None else "failed"),
                each["fault"] or each["skipped"],
            )
            for each in data["images"]
        ],
    )
