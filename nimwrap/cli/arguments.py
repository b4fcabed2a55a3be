"""Arguments that several verbs take in the same form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from nimwrap.cli import completion
from nimwrap.domain.target_names import EVERYONE, GROUP

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET]...", help="client, master/client, glob or group:NAME", autocompletion=completion.targets
    ),
]
SomeTargets = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET...", help="client, master/client, glob or group:NAME", autocompletion=completion.targets
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Every client that NIM knows.")]
Client = Annotated[
    str, typer.Argument(metavar="CLIENT", help="A client name, or master/client.", autocompletion=completion.clients)
]


def with_everyone(targets: Iterable[str] | None, groups: Iterable[str] | None = None, *, everything: bool) -> list[str]:
    """The targets of a command line, with those of ``--group`` and ``--all``."""
    return [*([EVERYONE] if everything else []), *(targets or ()), *(f"{GROUP}{name}" for name in groups or ())]
