"""A backup between two of whose scripts something else happens on the master."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.config.load import load
from nimwrap.domain.records import ClientRef, Run
from nimwrap.fleet.session import open_session
from nimwrap.hosts.protocol import CommandResult, Host


class Meddled:
    """A host whose first start of an operation passes through ``meddle``, which may change host and script."""

    def __init__(self, host: Host, meddle: Callable[[Host, str], str]) -> None:
        self.host, self.meddle, self.done = host, meddle, False
        self.name = host.name

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        if not self.done and "/wrapper < /dev/null" in script:
            self.done, script = True, self.meddle(self.host, script)
        return self.host.run(script, timeout=timeout)

    def close(self) -> None:
        self.host.close()


def backed_up(config: Path, client: str, meddle: Callable[[Host, str], str]) -> Run:
    with open_session(load(config)) as opened:
        session = replace(opened, hosts={"nim": Meddled(opened.hosts["nim"], meddle)})
        ended = BackupRun(session.master_context("nim"), BackupRequest(ClientRef("nim", client))).step()
        assert isinstance(ended, Run)
        return ended
