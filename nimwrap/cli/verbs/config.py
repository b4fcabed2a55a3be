"""``nimwrap config``: a starter file, all faults, effective values, and the JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli import completion
from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.errors import NimwrapError, Problem, usage_error

if TYPE_CHECKING:
    from nimwrap.config.effective import Setting
    from nimwrap.config.load import Document


def register(app: typer.Typer) -> None:
    """Add the sub-commands to ``app``."""
    config = typer.Typer(no_args_is_help=True, help="Write, check and explain the configuration.")
    for verb in (init, validate, show, schema):
        config.command()(verb)
    app.add_typer(config, name="config")


def init(
    ctx: typer.Context,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there; never overwrites.")] = None,
) -> None:
    """Print a commented configuration to start from.

    Example: nimwrap config init --output /etc/nimwrap/nimwrap.toml
    """
    from nimwrap.config.starter import starter

    invocation = current(ctx)
    text = starter()
    if output is None:
        invocation.finish(Result("config init", {"toml": text}, text=lambda p: p.line(text.rstrip("\n"))))
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise usage_error(f"{output} exists, and is not overwritten", "name a new file") from error
    written = f"{output} written; set the master's host in it, then run `nimwrap --config {output} config validate`"
    invocation.finish(Result("config init", {"file": output, "toml": text}, text=lambda p: p.line(written)))


def validate(ctx: typer.Context) -> None:
    """Check the configuration, the files it names and the schedules; show all faults at once.

    Example: nimwrap config validate
    """
    invocation = current(ctx)
    document = _document(invocation)
    problems = _further_problems(document)
    path = document.config.path
    if problems:
        from nimwrap.config.toml_file import config_error

        raise config_error(problems)
    data = {"file": path, "masters": sorted(document.config.masters)}
    warnings = [] if document.config.masters else [Problem("config_invalid", f"{path} names no master")]
    invocation.finish(Result("config validate", data, warnings=warnings, text=lambda p: p.line(f"{path}: no faults")))


def show(
    ctx: typer.Context,
    client: Annotated[
        str | None, typer.Argument(help="A client, or master/client.", autocompletion=completion.clients)
    ] = None,
) -> None:
    """Show the values that hold, and where each came from.

    Example: nimwrap config show powerha1
    """
    from nimwrap.config.effective import of_client, whole

    invocation = current(ctx)
    document = _document(invocation)
    settings = of_client(document, *_split(client, document)) if client is not None else whole(document)
    path = document.config.path
    rows = [{"key": one.key, "value": one.value, "source": one.source, "line": one.line} for one in settings]

    def text(printer: Printer) -> None:
        printer.line(f"# {path}")
        printer.table(("key", "value", "from"), [(one.key, one.spelled, _origin(one)) for one in settings])

    invocation.finish(Result("config show", {"file": path, "client": client, "settings": rows}, text=text))


def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of the configuration, for editors.

    Example: nimwrap config schema > nimwrap.schema.json
    """
    import json

    from nimwrap.config.json_schema import json_schema

    content = json_schema()
    text = json.dumps(content, indent=2)
    current(ctx).finish(Result("config schema", {"schema": content}, text=lambda p: p.line(text)))


def _document(invocation: Invocation) -> Document:
    from nimwrap.config.load import read

    path = invocation.config.path
    assert path is not None  # noqa: S101  config raises where there is no file
    return read(path)


def _further_problems(document: Document) -> list[Problem]:
    """Faults outside the file itself: files it names, schedules."""
    from nimwrap.config.file_references import file_problems
    from nimwrap.scheduling.schedule_files import load_schedules

    problems = file_problems(document)
    try:
        load_schedules(document.config)
    except NimwrapError as error:
        problems += error.problems
    return problems


def _split(name: str, document: Document) -> tuple[str, str]:
    """Master and client of an argument; the master may be left out where there is only one."""
    from nimwrap.config.keys import NIM_NAME
    from nimwrap.config.value_types import nearest, shown

    masters = tuple(document.config.masters)
    master, slash, client = name.rpartition("/")
    if not NIM_NAME.accepts(client):
        raise usage_error(f"{shown(client)} is not {NIM_NAME.what}")
    if slash and master not in masters:
        raise usage_error(f"there is no master {shown(master)}", nearest(master, masters))
    if not slash and len(masters) > 1:
        raise usage_error(f"{client} may be a client of {' or '.join(masters)}", f"say which: {masters[0]}/{client}")
    return master or next(iter(masters), ""), client


def _origin(setting: Setting) -> str:
    return "default" if setting.line is None else f"line {setting.line} ({setting.source})"
