"""``nimwrap images exclude``: what images of a client leave out, by the configuration, its own file and NIM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nimwrap.cli.arguments import SomeTargets
from nimwrap.cli.image_targets import problems_of
from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.recorded_targets import clients_meant
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import Problem, usage_error
from nimwrap.domain.local_time import local_text
from nimwrap.domain.ref import MASTER

if TYPE_CHECKING:
    from nimwrap.images.exclusions import Exclusions


def register(images: typer.Typer) -> None:
    images.command("exclude")(exclude)


def exclude(
    ctx: typer.Context,
    targets: SomeTargets,
    apply: Annotated[bool, typer.Option("--apply", help="Write exclude_rootvg of the configuration there.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last change of nimwrap back.")] = False,
) -> None:
    """Show what images of clients leave out: by the configuration, by /etc/exclude.rootvg, by NIM's exclude_files.

    --apply writes what exclude_rootvg says, journalled; the file that stood there is kept on the client. --undo puts it
    back, unless somebody has changed the file since. After the next image it is shown how much smaller it is.
    Exit 1 where something differs or could not be done.

    Example: nimwrap images exclude aix01 --apply
    """
    from nimwrap.actions.exclude_files import ExcludeMode, exclude_files

    invocation = current(ctx)
    if apply and undo:
        raise usage_error("--apply and --undo exclude each other")
    invocation.need_masters()
    with invocation.reader() as reader:
        meant = clients_meant(invocation.config, reader, targets)
    refs = [ref for ref in meant if ref.client != MASTER]
    act = ExcludeMode.APPLY if apply else ExcludeMode.UNDO if undo else ExcludeMode.LOOK
    done = exclude_files(invocation.config, refs, act, invocation.now())
    problems = problems_of(done.troubles)
    problems += [Problem("exclusions", one.trouble, "", one.ref.client) for one in done.clients if one.trouble]
    differs = not undo and any(one.drift for one in done.clients)
    code = ExitCode.FAILED if problems or differs else ExitCode.OK
    data = {"clients": [_json(one) for one in done.clients]}
    invocation.finish(Result("images exclude", data, code, problems, text=lambda out: _text(out, done.clients)))


def _json(one: Exclusions) -> dict[str, Any]:
    found = one.on_client
    return {
        "client": one.ref.client,
        "master": one.ref.master,
        "wanted": one.wanted,
        "on_client": found.patterns if found else None,
        "nim": one.nim or {},
        "drift": one.drift,
        "done": one.done,
        "kept": one.kept or None,
        "saved": one.saved,
    }


def _text(out: Printer, clients: list[Exclusions]) -> None:
    for one in clients:
        out.heading(str(one.ref))
        found = one.on_client.patterns if one.on_client else None
        out.pairs(
            [
                ("exclude_rootvg", "\n".join(one.wanted) or "(nothing: the file is left as it is)"),
                ("on the client", "\n".join(found) if found is not None else "(no such file)" if one.on_client else ""),
                *((f"NIM's {name}", "\n".join(lines)) for name, lines in (one.nim or {}).items()),
                ("differs", one.drift),
                ("done", one.done),
                ("kept at", one.kept),
                ("saved", _saved(one)),
            ],
            indent=2,
        )


def _saved(one: Exclusions) -> str:
    """What the first image after the last change has saved."""
    if one.saved is None:
        return ""
    before, after = one.saved.before_bytes, one.saved.after_bytes
    change = f"{format_size(before - after)} less" if before >= after else f"{format_size(after - before)} more"
    made = f"{one.saved.resource or 'the image'} of {local_text(one.saved.created)}"
    return f"{change}: {format_size(before)} before, {format_size(after)} in {made}"
