"""``nimwrap completion``: what the shell offers after a TAB, set up for whoever types."""

from __future__ import annotations

import os
import pwd
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nimwrap.cli.invocation import Result, current
from nimwrap.domain.errors import usage_error


class Shell(StrEnum):
    """Shells that completion is known for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_PLACES = {
    Shell.BASH: ".local/share/bash-completion/completions/nimwrap",
    Shell.ZSH: ".zfunc/_nimwrap",
    Shell.FISH: ".config/fish/completions/nimwrap.fish",
}
_SYSTEM = {
    Shell.BASH: Path("/usr/share/bash-completion/completions/nimwrap"),
    Shell.ZSH: Path("/usr/local/share/zsh/site-functions/_nimwrap"),
    Shell.FISH: Path("/usr/share/fish/vendor_completions.d/nimwrap.fish"),
}
_THEN = {
    Shell.BASH: "open a new shell; the package bash-completion reads it",
    Shell.ZSH: "in ~/.zshrc, before compinit: fpath+=~/.zfunc",
    Shell.FISH: "open a new shell",
}


def register(app: typer.Typer) -> None:
    completion = typer.Typer(no_args_is_help=True, help="What the shell offers after a TAB.")
    completion.callback()(_completion)
    completion.command("install")(install)
    app.add_typer(completion, name="completion")


def _completion() -> None:
    """What the shell offers after a TAB."""


def install(
    ctx: typer.Context,
    shell: Annotated[Shell | None, typer.Option(help="Without it, the shell of whoever types.")] = None,
    system: Annotated[bool, typer.Option("--system", help="For everybody on this machine.")] = False,
) -> None:
    """Write the completion for the user who types, also through sudo.

    One file is written; no start-up file of a shell is changed. Behind sudo the shell completes nimwrap, too.

    Example: nimwrap completion install
    """
    from typer._completion_shared import get_completion_script

    invocation = current(ctx)
    user = _typing()
    wanted = shell or _of_shell(user)
    path = _SYSTEM[wanted] if system else Path(user.pw_dir) / _PLACES[wanted]
    text = get_completion_script(prog_name="nimwrap", complete_var="_NIMWRAP_COMPLETE", shell=wanted)
    _write(path, text, None if system else user)
    then = _THEN[wanted]
    data = {"path": str(path), "shell": wanted, "user": user.pw_name, "then": then}
    invocation.finish(Result("completion install", data, text=lambda out: out.line(f"wrote {path}; {then}")))


def _typing() -> pwd.struct_passwd:
    """Whoever sits at the keyboard: behind sudo not root, but who called it."""
    name = os.environ.get("SUDO_USER", "")
    if os.geteuid() == 0 and name and name != "root":
        try:
            return pwd.getpwnam(name)
        except KeyError as error:
            raise usage_error(f"SUDO_USER={name[:40]!r} is no user of this machine") from error
    own = pwd.getpwuid(os.geteuid())
    home = os.environ.get("HOME", "")
    return pwd.struct_passwd((*own[:5], home or own.pw_dir, os.environ.get("SHELL", "") or own.pw_shell))


def _of_shell(user: pwd.struct_passwd) -> Shell:
    name = Path(user.pw_shell).name
    if name not in set(Shell):
        raise usage_error(f"no completion is known for the shell {name or 'of nobody'}", "--shell bash, zsh or fish")
    return Shell(name)


def _write(path: Path, text: str, owner: pwd.struct_passwd | None) -> None:
    """Write the file; what is made on the way to it belongs to its user, too."""
    made = [parent for parent in (path, *path.parents) if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    if owner is not None and os.geteuid() == 0:
        for each in dict.fromkeys([path, *made]):
            os.chown(each, owner.pw_uid, owner.pw_gid)
