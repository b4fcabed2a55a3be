"""What the shell offers after a TAB: clients, groups, runs and schedules, from the local history and configuration.

A completion never fails and never asks a master: what cannot be read is not offered.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.history.sqlite.queries import Reader

_RUNS = 30


def clients(ctx: typer.Context, incomplete: str) -> list[str]:
    """Client names; with their master once a slash is typed, or where two masters know the name."""
    return _offered(ctx, incomplete, _client_names)


def targets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Clients, and ``group:NAME``."""
    return _offered(ctx, incomplete, lambda config, reader: [*_client_names(config, reader), *_groups(config)])


def groups(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of groups."""
    return _offered(ctx, incomplete, lambda config, _: list(config.groups))


def failure_codes(ctx: typer.Context, incomplete: str) -> list[str]:
    """The stable words for failures."""
    from nimwrap.domain.codes import FailureCode

    return [str(code) for code in FailureCode if code.startswith(incomplete)]


def masters(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the configured masters."""
    return _offered(ctx, incomplete, lambda config, _: list(config.masters))


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of the newest runs."""
    return _offered(ctx, incomplete, lambda _, reader: [row.id for row in reader.runs(limit=_RUNS)])


def runs_and_clients(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of the newest runs, clients, and the last run of all."""
    return _offered(
        ctx,
        incomplete,
        lambda config, reader: [
            *(row.id for row in reader.runs(limit=_RUNS)),
            *_client_names(config, reader),
            "last",
        ],
    )


def open_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of runs that have not ended."""
    return _offered(ctx, incomplete, lambda _, reader: [row.id for row in reader.open_runs()])


def images(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the resources of images that are there."""
    return _offered(ctx, incomplete, lambda _, reader: [row.resource for row in reader.images() if row.resource])


def schedules(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of schedules."""
    return _offered(ctx, incomplete, lambda config, _: _schedule_names(config))


def _offered(ctx: typer.Context, incomplete: str, names: Callable[[Config, Reader], list[str]]) -> list[str]:
    try:
        from nimwrap.config.load import find_config, load
        from nimwrap.history.sqlite.queries import Reader

        path = find_config(ctx.find_root().params.get("config"), os.environ)
        if path is None:
            return []
        config = load(path)
        with Reader.open(config.database) as reader:
            return [name for name in names(config, reader) if name.startswith(incomplete)]
    except Exception:  # the shell would print a traceback into the line that somebody is typing
        return []


def _client_names(config: Config, reader: Reader) -> list[str]:
    from nimwrap.clients.known_clients import recorded_clients

    known = recorded_clients(config, reader).refs
    return [*dict.fromkeys(ref.client for ref in known), *map(str, known)]


def _groups(config: Config) -> list[str]:
    return [f"group:{name}" for name in config.groups]


def _schedule_names(config: Config) -> list[str]:
    from nimwrap.scheduling.schedule_files import load_schedules

    return list(load_schedules(config))
