"""The entry: global options, one command, and the one place where an exception becomes text and an exit code."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer._click.exceptions import NoArgsIsHelpError, NoSuchOption, UsageError
from typer.core import TyperGroup

from nimwrap import __version__
from nimwrap.cli.command_group import VerbGroup
from nimwrap.cli.invocation import Invocation, Result
from nimwrap.cli.logs import Log, LogFormat, install
from nimwrap.cli.output.nagios_text import OPTION, as_nagios
from nimwrap.cli.output.streams import err, keep_places, reader_gone, settle
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, usage_error

PROGRAM = "nimwrap"
_GLOBAL = ("--config", "--log-format", "--quiet", "--verbose", "--no-color", "--version", "-q", "-v")

app = typer.Typer(
    name=PROGRAM,
    cls=VerbGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    suggest_commands=False,
    no_args_is_help=True,
    epilog="A first look without AIX: nimwrap demo. To begin: nimwrap config init, then nimwrap check --all.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where the program stands, so that a verb that handles Ctrl-C handles it the same way."""


def _show_version(ctx: typer.Context, wanted: bool) -> None:
    """Whatever else the command line says, ``--version`` ends it."""
    if wanted:
        if ctx.obj.other is not None:
            from nimwrap.cli.output.version_text import compared

            raise typer.Exit(ctx.obj.show(compared(ctx.obj.other)))
        text = lambda printer: printer.line(f"{PROGRAM} {__version__}")  # noqa: E731
        raise typer.Exit(ctx.obj.show(Result("version", {"version": __version__}, text=text)))


def _note_other(ctx: typer.Context, other: Path | None) -> Path | None:
    """Heard before ``--version``: main puts it in front."""
    ctx.obj.other = other
    return other


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Configuration file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout; also after the command.")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="Form of the messages on stderr.")] = LogFormat.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and errors on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More on stderr; a traceback for a bug.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (also NO_COLOR).")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            is_eager=True,
            callback=_note_other,
            help="With --version: compare a zipapp or wheel with it.",
        ),
    ] = None,
) -> None:
    """Runs, proves and accounts for the NIM mksysb backups of AIX and PowerHA hosts."""
    if check is not None:
        raise usage_error("--check goes with --version", f"nimwrap --version --check {check}")
    if quiet and verbose:
        raise usage_error("-q and -v contradict each other", "give one of them")
    invocation: Invocation = ctx.obj
    invocation.config_path = config
    invocation.quiet, invocation.verbose, invocation.colour_wanted = quiet, verbose, not no_color
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    invocation.log = Log(log_format, level, not no_color)
    install(invocation.log)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    arguments, json = without_json(sys.argv[1:] if argv is None else argv)
    invocation = Invocation(json=json)
    signal.signal(signal.SIGTERM, _terminate)
    keep_places()
    try:
        return _run(arguments, invocation)
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, BrokenPipeError) and reader_gone():
            return ExitCode.OK  # only a help text is written by other means than render's
        result = _as_result(error, invocation)
        if OPTION in arguments and not isinstance(error, KeyboardInterrupt):
            result = as_nagios(result)
        if invocation.verbose and not isinstance(error, (NimwrapError, UsageError, KeyboardInterrupt)):
            invocation.log.write(logging.ERROR, traceback.format_exc())
        return invocation.show(result)
    finally:
        settle()


def without_json(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``--json`` (wherever it stands before ``--``), and whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    head = [argument for argument in arguments[:end] if argument != "--json"]
    return [*head, *arguments[end:]], len(head) < end


def _run(arguments: list[str], invocation: Invocation) -> int:
    group = typer.main.get_command(app)
    group._main_shell_completion(ctx_args={}, prog_name=PROGRAM)
    try:
        with group.make_context(PROGRAM, _check_first(arguments), obj=invocation) as context:
            group.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return ExitCode.OK


def _check_first(arguments: list[str]) -> list[str]:
    """``--check FILE`` before ``--version``, which ends the command line where it stands."""
    if "--version" not in arguments or "--check" not in arguments:
        return arguments
    at = arguments.index("--check")
    return [*arguments[at : at + 2], *arguments[:at], *arguments[at + 2 :]]


def _terminate(_signal: int, _frame: Any) -> None:
    raise Terminated


def _as_result(error: BaseException, invocation: Invocation) -> Result:
    """Any exception as the Result that reports it."""
    if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 makes a RuntimeError of it inside a class body
        error = error.__cause__
    if isinstance(error, UsageError):
        if isinstance(error, NoArgsIsHelpError) and not invocation.json:
            err(error.format_message() + "\n\n")
        command = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
        return _refusal(_from_click(error), command)
    if isinstance(error, NimwrapError):
        return _refusal(error, invocation.command)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        code = ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
        return _refusal(NimwrapError("interrupted", code="cancelled", exit_code=code), invocation.command)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return _refusal(NimwrapError(f"{where}{error.strerror or error}"), invocation.command)
    message = f"this is a bug in nimwrap: {type(error).__name__}: {error}"
    hint = "please report it with the output of the same command under `nimwrap -v`"
    return _refusal(NimwrapError(message, hint=hint), invocation.command)


def _refusal(error: NimwrapError, command: str) -> Result:
    return Result(command, {}, error.exit_code, errors=error.problems)


def _from_click(error: UsageError) -> NimwrapError:
    """A fault of the command line in our words, with the nearest name."""
    path = error.ctx.command_path if error.ctx else PROGRAM
    if isinstance(error, NoArgsIsHelpError):
        return usage_error("no command given", f"`{path} --help` lists the commands")
    message = error.format_message().rstrip(".")
    hint = f"`{path} --help` shows how it is called"
    if isinstance(error, NoSuchOption):
        message = error.message
        if error.option_name in _GLOBAL and path != PROGRAM:
            hint = f"{error.option_name} stands before the command: nimwrap {error.option_name} ..."
        elif error.possibilities:
            hint = f"did you mean {' or '.join(error.possibilities)}?"
    elif message.startswith("No such command") and error.ctx is not None:
        group = cast(TyperGroup, error.ctx.command)
        hint = _nearest(message.partition("'")[2].rstrip("'"), group.list_commands(error.ctx), path)
    return usage_error(message[:1].lower() + message[1:], hint)


def _nearest(name: str, known: list[str], path: str) -> str:
    from nimwrap.domain.did_you_mean import did_you_mean

    return did_you_mean(name, known, f"`{path} {{}}`") or f"`{path} --help` lists the commands"
