"""Arguments that several verbs take in the same form."""

from __future__ import annotations

from typing import Annotated

import typer

from nimwrap.cli import completion

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET]...", help="client, master/client, glob or group:NAME", autocompletion=completion.targets
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Every client that NIM knows.")]
Client = Annotated[
    str, typer.Argument(metavar="CLIENT", help="A client name, or master/client.", autocompletion=completion.clients)
]
