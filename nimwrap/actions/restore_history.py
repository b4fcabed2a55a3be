"""Bring a lost history back: from the newest copy beside the images of any master."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nimwrap.copies.history_copies import HistoryCopy, directory_of, fetch_history, history_copies
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.domain.ref import MASTER
from nimwrap.history.installation import adopt_installation
from nimwrap.history.sqlite.database import private_state_dir
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.snapshot import install_snapshot
from nimwrap.hosts.connect import open_master

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.hosts.protocol import Host


@dataclass(frozen=True)
class RestoredHistory:
    """Which copy became the history, and on which master it lies."""

    master: str
    copy: HistoryCopy


def restore_history(config: Config) -> RestoredHistory:
    """Take the newest copy that any master has. A history that holds anything is never replaced: exit 2."""
    _refuse_where_there_is_one(config)
    with ExitStack() as stack:
        found: list[tuple[str, Host, HistoryCopy]] = []
        troubles: list[NimwrapError] = []
        for name, master in config.masters.items():
            host = open_master(master)
            stack.callback(host.close)
            try:
                directory = directory_of(config.policy(name, MASTER).directory)
                found += [(name, host, copy) for copy in history_copies(host, directory)[:1]]
            except NimwrapError as error:
                troubles.append(error)
        if not found:
            if troubles:
                raise troubles[0]
            raise NimwrapError(
                "no master has a copy of the history", hint="`nimwrap images import` reads the manifests"
            )
        name, host, copy = max(found, key=lambda one: one[2].name)
        private_state_dir(config.state_dir)
        packed = config.state_dir / f".history-{os.getpid()}.gz"
        try:
            installation = fetch_history(host, copy, packed)
            install_snapshot(packed, config.database)
        finally:
            packed.unlink(missing_ok=True)
    adopt_installation(config.state_dir, installation)
    return RestoredHistory(name, copy)


def _refuse_where_there_is_one(config: Config) -> None:
    with Reader.open(config.database) as reader:
        if reader.runs(limit=1) or reader.images(removed=True):
            raise usage_error(
                f"there is a history already: {config.database}", "move it away first; nothing in it is replaced"
            )
