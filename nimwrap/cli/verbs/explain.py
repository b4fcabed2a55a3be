"""``nimwrap explain``: what an AIX, NIM or PowerHA message means, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.aix.message_catalogue import Explanation

STDIN_LIMIT = 4 << 20  # bytes; the cause of a failure stands in far less


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    ctx: typer.Context,
    text: Annotated[
        list[str], typer.Argument(metavar="CODE-OR-TEXT", help="A code, a message or a whole log; - reads stdin.")
    ],
) -> None:
    """Explain a message of AIX, NIM or PowerHA, or a failure code: its causes, and what to do.

    Example: nimwrap explain 0042-175
    """
    from nimwrap.aix.message_catalogue import codes_in
    from nimwrap.aix.message_catalogue import explain as explanations_of

    invocation = current(ctx)
    asked = _stdin() if text == ["-"] else " ".join(text)
    if not asked.strip():
        raise usage_error("there is nothing to explain", "give a code such as 0042-175, or pipe a log into `explain -`")
    found = explanations_of(asked)
    known = {explanation.code for explanation in found}
    unknown = [_unknown(code) for code in codes_in(asked) if code not in known]
    data = {"explanations": found}
    if not found:
        errors = unknown or [_unknown("this text")]
        invocation.finish(Result("explain", data, ExitCode.FAILED, errors=errors))
    invocation.finish(Result("explain", data, warnings=unknown, text=lambda printer: _tell(printer, found)))


def _stdin() -> str:
    stream = getattr(sys.stdin, "buffer", None)
    return stream.read(STDIN_LIMIT).decode("utf-8", "replace") if stream else ""


def _unknown(what: str) -> Problem:
    from nimwrap.aix.message_catalogue import NIM_LIST

    if what.startswith("0042-"):
        return Problem("unknown", f"nothing is known about {what} but that NIM says it", NIM_LIST)
    return Problem(
        "unknown",
        f"nothing is known about {what}: no public source that nimwrap was built on describes it",
        "give the whole output (`explain -`): a message beside it may be known; on the master, see "
        "alog -f /var/adm/ras/nimlog -o",
    )


def _tell(printer: Printer, found: list[Explanation]) -> None:
    """The explanations below one another, nearest the cause first."""
    for number, explanation in enumerate(found):
        if number:
            printer.line()
        printer.heading(explanation.code)
        printer.pairs(
            [
                ("says", explanation.says),
                ("causes", "\n".join(f"{rank}. {cause}" for rank, cause in enumerate(explanation.causes, 1))),
                ("do", "\n".join(explanation.run)),
                ("nimwrap", explanation.nimwrap),
                ("seen", _seen(explanation)),
                ("source", "\n".join(f"{page.title}: {page.address}" for page in explanation.sources)),
                ("source", "" if explanation.sources else explanation.source),
            ],
            indent=2,
        )


def _seen(explanation: Explanation) -> str:
    """What of it rests on a real machine's output; nothing for what is nimwrap's own."""
    from nimwrap.aix.message_catalogue import OWN_SOURCE

    if explanation.source == OWN_SOURCE:
        return ""
    if not explanation.seen:
        return "nothing of this stands in the output of a real machine that nimwrap's authors know"
    named = ", ".join(word if word.startswith("cause ") else f"the {word}" for word in explanation.seen)
    return f"on a real machine: {named}; the rest is from documentation and reports"
