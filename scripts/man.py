#!/usr/bin/env python3
"""Writes man/nimwrap.1 from what ``--help`` shows. ``--check`` only says whether it is up to date (exit 1 if not)."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from nimwrap import __version__
from nimwrap.cli.command_group import SECTIONS
from nimwrap.cli.main import app
from nimwrap.domain.codes import ExitCode

PAGE = Path(__file__).resolve().parent.parent / "man" / "nimwrap.1"
FILES = (
    ("/etc/nimwrap/nimwrap.toml", "Configuration. $NIMWRAP_CONFIG and --config name another; see nimwrap config init."),
    ("/etc/nimwrap/schedules/*.toml", "Schedules."),
    ("/var/lib/nimwrap/history.db", "What happened: SQLite. The key state_dir names another directory."),
    ("/var/adm/nimwrap", "On a master: running operations, their undo, locks."),
)


def page() -> str:
    """The whole page as roff text."""
    group: Any = typer.main.get_command(app)
    context = typer.Context(group, info_name="nimwrap")
    lines = [
        f'.TH NIMWRAP 1 "" "nimwrap {__version__}" "User commands"',
        ".SH NAME",
        rf"nimwrap \- {_escaped(_first_line(group)[:1].lower() + _first_line(group)[1:])}",
        ".SH SYNOPSIS",
        ".B nimwrap",
        r"[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]",
        ".SH OPTIONS",
        *_parameters(group, context),
        ".SH COMMANDS",
    ]
    for title, names in _sections(group, context):
        lines.append(f".SS {_escaped(title)}")
        for name in names:
            lines += _command(group.get_command(context, name), context, name)
    lines += [".SH EXIT STATUS", *(line for code in ExitCode for line in _item(str(int(code)), _words(code.name)))]
    lines += [".SH FILES", *(line for name, text in FILES for line in _item(name, text))]
    return "\n".join(lines) + "\n"


def _sections(group: Any, context: Any) -> Iterator[tuple[str, list[str]]]:
    """The commands under the titles of ``--help``; a file may hold several, listed after the one it is named for."""
    names = group.list_commands(context)
    starts = {modules[0]: title for title, modules in SECTIONS}
    title, held = "", list[str]()
    for name in names:
        if name in starts:
            if held:
                yield title, held
            title, held = starts[name], []
        held.append(name)
    yield title, held


def _command(command: Any, above: Any, name: str) -> Iterator[str]:
    """A command, or each command of a sub-group."""
    context = typer.Context(command, info_name=name, parent=above)
    if hasattr(command, "commands"):
        for inner in command.list_commands(context):
            yield from _command(command.get_command(context, inner), context, f"{name} {inner}")
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield ".TP"
    yield rf"\fBnimwrap {_escaped(name)}\fR {_escaped(usage)}"
    yield _escaped(_first_line(command))
    for paragraph in _paragraphs(command)[1:]:
        yield ".IP"
        yield _escaped(paragraph)
    records = list(_parameters(command, context))
    if records:
        yield from (".RS", *records, ".RE")


def _parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in record[0]:
            yield from _item(record[0], record[1])


def _item(name: str, text: str) -> list[str]:
    return [".TP", rf"\fB{_escaped(name)}\fR", _escaped(text) or r"\&"]


def _first_line(command: Any) -> str:
    return _paragraphs(command)[0]


def _paragraphs(command: Any) -> list[str]:
    return [" ".join(part.split()) for part in inspect.cleandoc(command.help or "").split("\n\n")]


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _escaped(text: str) -> str:
    """Text that roff takes for text: a leading dot or quote would be a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text)


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text() == text:
            return 0
        sys.stderr.write(f"error: {PAGE} is not up to date\nhint: .venv/bin/python scripts/man.py\n")
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
