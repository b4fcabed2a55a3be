"""``nimwrap images verify --copies``: reads every copy back; exit 1 when one is not the image any more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from nimwrap.cli.image_targets import problems_of
from nimwrap.cli.invocation import Invocation, Result
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.verbs.images_copies import clients_of, copy_json
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import Problem

if TYPE_CHECKING:
    from nimwrap.copies.verify_copies import CopyCheck


def verify_copies(invocation: Invocation, targets: Sequence[str] | None) -> NoReturn:
    """Look at the copies of the clients meant, and tell."""
    from nimwrap.actions.copy_images import verify_copies as look_again

    def tell(check: CopyCheck) -> None:
        invocation.say(f"{check.copy.name}: {check.copy.location}: {'ok' if check.ok else check.why}")

    checks, troubles = look_again(invocation.config, partial(clients_of, invocation, targets), tell)
    with invocation.reader() as reader:
        images = {row.id: row for row in reader.images_by_id([check.copy.image for check in checks])}
        now = {row.id: row for row in reader.copies()}
    problems = problems_of(troubles)
    errors = problems + [
        Problem(
            FailureCode.COPY_FAILED,
            f"{check.copy.name}: {check.copy.location}: {check.why}",
            "`nimwrap images copy` makes it anew while the image is there",
            check.copy.client,
        )
        for check in checks
        if check.ok is False
    ]
    data = {
        "copies": [
            copy_json(now.get(check.copy.id, check.copy), images.get(check.copy.image))
            | {"ok": check.ok, "fault": check.why or None}
            for check in checks
        ]
    }
    code = ExitCode.FAILED if len(errors) > len(problems) else ExitCode.MASTER if problems else ExitCode.OK
    invocation.finish(Result("images verify", data, code, errors, text=lambda out: _text(out, data)))


def _text(out: Printer, data: dict[str, Any]) -> None:
    if not data["copies"]:
        out.line("No copies are recorded.")
        return
    out.table(
        ("client", "image", "copy", "result", "what"),
        [
            (
                each["client"],
                each["image"],
                each["name"],
                out.word("ok" if each["ok"] else "skipped" if each["ok"] is None else "failed"),
                each["fault"],
            )
            for each in data["copies"]
        ],
    )
