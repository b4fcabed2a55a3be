"""What every verb gets and gives: the invocation (options, configuration, clock, stores) and the result."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from nimwrap.cli.logs import Log
from nimwrap.cli.output.printer import Printer, print_json, printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem

if TYPE_CHECKING:
    from nimwrap.config.model import Config, MasterConfig
    from nimwrap.history.sqlite.queries import Reader
    from nimwrap.history.sqlite.store import Store

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """What a verb hands to render. ``text`` writes the human form; ``data`` is the JSON form of the same."""

    command: str
    data: Mapping[str, Any]
    exit_code: int = ExitCode.OK
    errors: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    text: Callable[[Printer], None] | None = None

    @property
    def status(self) -> str:
        """INTERFACE section 4: success for 0, partial for 3, else error."""
        return {0: "success", int(ExitCode.PARTIAL): "partial"}.get(int(self.exit_code), "error")

    def envelope(self) -> dict[str, Any]:
        """The versioned object that ``--json`` prints."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "status": self.status,
            "exit_code": int(self.exit_code),
            "data": self.data,
            "errors": list(self.errors),
            "warnings": list(self.warnings),
        }


@dataclass
class Invocation:
    """One call of nimwrap: its global options, and what they lead to, loaded when first asked for.

    ``issued``: when the command was given.
    """

    json: bool = False
    config_path: Path | None = None
    quiet: bool = False
    verbose: bool = False
    colour_wanted: bool = True
    log: Log = field(default_factory=Log)
    command: str = ""
    other: Path | None = None
    issued: datetime = field(default_factory=lambda: datetime.now(UTC))
    _config: Config | None = None

    @property
    def color(self) -> bool:
        """True when stdout shows colours and the user did not refuse them."""
        return not self.json and printer(colour_wanted=self.colour_wanted).colour

    @property
    def config(self) -> Config:
        """The configuration file's content; NimwrapError (exit 78) with every fault, or when there is no file."""
        config = self.settings
        if config.path is None:
            raise NimwrapError(
                "there is no configuration file",
                code="config_invalid",
                hint="`nimwrap config init --output /etc/nimwrap/nimwrap.toml` writes one; --config names another",
                exit_code=ExitCode.CONFIG,
            )
        return config

    @property
    def settings(self) -> Config:
        """As ``config``, but built-in defaults (no master) where no file is named and no default path has one."""
        if self._config is None:
            from nimwrap.config.load import find_config, load
            from nimwrap.config.model import Config

            path = find_config(self.config_path, os.environ)
            self._config = Config() if path is None else load(path)
        return self._config

    @property
    def masters(self) -> dict[str, MasterConfig]:
        """The configured masters, at least one."""
        self.need_masters()
        return self.config.masters

    def need_masters(self) -> None:
        """NimwrapError (exit 78), with the table to write, when the configuration names no master."""
        config = self.config
        if not config.masters:
            raise NimwrapError(
                f"{config.path} names no master",
                code="config_invalid",
                hint="add a table such as [masters.nim] with its host; `nimwrap config init` prints an example",
                exit_code=ExitCode.CONFIG,
            )

    def now(self) -> datetime:
        """The present moment in UTC: the one place where a verb asks the clock."""
        return datetime.now(UTC)

    def say(self, message: str) -> None:
        """A message for the person watching: stderr, silent with ``-q``."""
        self.log.write(logging.INFO, message)

    def warn(self, message: str, hint: str = "") -> None:
        """A warning on stderr while the verb goes on; it stays with ``-q``."""
        self.log.problem("warning", Problem("warning", message, hint))

    def store(self) -> Store:
        """The history, open for writing; created and migrated when needed."""
        from nimwrap.history.sqlite.store import Store

        return Store.open(self.config.database)

    def reader(self) -> Reader:
        """The history, read-only; empty where there is none yet."""
        from nimwrap.history.sqlite.queries import Reader

        return Reader.open(self.settings.database)

    def finish(self, result: Result) -> NoReturn:
        """Show the result and end the command with its exit code."""
        raise typer.Exit(self.show(result))

    def show(self, result: Result) -> int:
        """JSON: one object on stdout. Else the text on stdout, then warnings and errors on stderr, errors last.

        Returns the exit code: a good one becomes 1 when stdout does not take the result.
        """
        unwritten = self._print(result)
        if unwritten or not self.json:
            for problem in result.warnings:
                self.log.problem("warning", problem)
            for problem in (*result.errors, *unwritten):
                self.log.problem("error", problem)
        return int(result.exit_code) or int(bool(unwritten))

    def _print(self, result: Result) -> list[Problem]:
        """The result on stdout; what kept it from being written there."""
        try:
            if self.json:
                print_json(result.envelope())
            elif result.text is not None:
                result.text(printer(colour_wanted=self.colour_wanted))
        except OSError as error:
            return [Problem("unknown", f"the result could not be written to stdout: {error.strerror or error}")]
        return []


def current(ctx: typer.Context) -> Invocation:
    """The invocation that a command runs in; notes the command's name for error messages."""
    invocation = ctx.find_root().obj
    assert isinstance(invocation, Invocation)  # noqa: S101  main puts it there before any command runs
    invocation.command = ctx.command_path.partition(" ")[2]
    return invocation
