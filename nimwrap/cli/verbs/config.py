"""``nimwrap config``: a starter file, all faults, effective values, and the JSON Schema."""

from __future__ import annotations

import re
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
    from_master: Annotated[
        str | None, typer.Option(metavar="[USER@]HOST[:PORT]", help="Ask this NIM master; `local` on it itself.")
    ] = None,
    identity_file: Annotated[str, typer.Option(metavar="FILE", help="Private key for --from-master.")] = "",
    known_hosts: Annotated[str, typer.Option(metavar="FILE", help="Host keys for --from-master.")] = "",
) -> None:
    """Print a commented configuration to start from.

    With --from-master the master is asked, and changed in nothing: its clients, clusters, images, room, and the lines
    of root's crontab that have to do with them.

    Example: nimwrap config init --output /etc/nimwrap/nimwrap.toml
    """
    from nimwrap.config.starter import starter

    invocation = current(ctx)
    text = starter() if from_master is None else _drafted(invocation, from_master, identity_file, known_hosts)
    if output is None:
        invocation.finish(Result("config init", {"toml": text}, text=lambda p: p.line(text.rstrip("\n"))))
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise usage_error(f"{output} exists, and is not overwritten", "name a new file") from error
    first = "set the master's host in it, then run" if from_master is None else "read it, then run"
    written = f"{output} written; {first} `nimwrap --config {output} config validate`"
    invocation.finish(Result("config init", {"file": output, "toml": text}, text=lambda p: p.line(written)))


def _drafted(invocation: Invocation, address: str, identity_file: str, known_hosts: str) -> str:
    """The configuration that fits the master at an address."""
    from nimwrap.actions.draft_config import draft_facts
    from nimwrap.config.drafted import drafted
    from nimwrap.config.model import MasterConfig
    from nimwrap.domain.local_time import local_text

    if address == "local":
        master = MasterConfig("nim", transport="local")
    else:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            what = f"--from-master {address[:80]!r} is no address"
            raise usage_error(what, "write HOST, USER@HOST or USER@HOST:PORT")
        master = MasterConfig(
            "nim",
            host=found["host"],
            port=int(found["port"] or 22),
            user=found["user"] or "root",
            identity_file=_absolute(identity_file),
            known_hosts=_absolute(known_hosts),
        )
    now = invocation.now()
    return drafted(master, draft_facts(master, now), local_text(now))


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


_ADDRESS = re.compile(
    r"(?:(?P<user>[A-Za-z_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)(?::(?P<port>\d{1,5}))?"
)


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
