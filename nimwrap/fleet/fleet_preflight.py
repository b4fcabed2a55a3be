"""Looking at many clients without touching anything: the engine of backups, for ``check`` and whoever else asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nimwrap.backup.self_preflight import master_report
from nimwrap.clients.inventory import prior_of
from nimwrap.clients.known_clients import current_clients
from nimwrap.clients.selection import Selection, select
from nimwrap.clients.target_errors import all_resolved
from nimwrap.concurrency import map_concurrent
from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.make_findings import trouble
from nimwrap.domain.records import ClientRef, Inventory
from nimwrap.domain.ref import MASTER
from nimwrap.fleet.session import list_clients
from nimwrap.history.ports import Queries
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.protocol import Host
from nimwrap.images.kinds.registry import kinds_of
from nimwrap.preflight.engine import preflight
from nimwrap.preflight.preflight_report import PreflightReport

Asked = Callable[[int, int], None]
"""Hears how many clients have been asked, of how many; called in any thread."""


def _nobody(asked: int, of: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class CheckedFleet:
    """``reports``: one for each client meant, in the order of the targets. ``answers``: each master's inventory, or why
    there is none; ``unreachable``: masters that were meant too, and of which no client is known."""

    reports: list[PreflightReport]
    unreachable: list[NimwrapError]
    answers: Mapping[str, Inventory | NimwrapError]


def preflight_fleet(
    config: Config, reader: Queries, targets: Sequence[str], now: datetime, tell: Asked = _nobody
) -> CheckedFleet:
    """Look at the clients meant; nothing is changed, here or anywhere. ``tell`` hears how far it is.

    Raises a usage error for targets that mean nothing before any client is called. A master that cannot be asked is a
    report of each of its clients, those last seen; its error is raised only when no client of it is known.
    """
    hosts = {name: open_master(master, ahead=True) for name, master in config.masters.items()}
    try:
        answers = list_clients(hosts, config, reader)
        troubles = {master: one for master, one in answers.items() if isinstance(one, NimwrapError)}
        listed = {master: one for master, one in answers.items() if isinstance(one, Inventory)}
        known = current_clients(config, reader, troubles, listed)
        selection = select(targets, known, config.groups)
        all_resolved(selection, known, config.groups)
        unreachable = [troubles[master] for master in selection.unreachable_masters]
        if unreachable and not selection.refs:
            raise unreachable[0]
        refs = _not_excluded(config, selection)
        by_master: dict[str, list[str]] = {}
        for ref in refs:
            by_master.setdefault(ref.master, []).append(ref.client)
        priors = {ref: prior_of(reader, ref, listed.get(ref.master), now) for ref in refs}

        def of_one(master: str) -> list[PreflightReport]:
            if master in troubles:
                finding = trouble(troubles[master])
                return [PreflightReport(ClientRef(master, client), (finding,)) for client in by_master[master]]
            prior = {client: priors[ClientRef(master, client)] for client in by_master[master]}
            clients = [client for client in by_master[master] if client != MASTER]
            found = preflight(hosts[master], config.masters[master], config, clients, prior, now)
            own = [_of_itself(hosts[master], config, reader, master)] if MASTER in prior else []
            return [*found, *own]

        told: list[int] = []

        def told_of_one(master: str) -> list[PreflightReport]:
            found = of_one(master)
            told.append(len(found))
            tell(sum(told), len(refs))
            return found

        tell(0, len(refs))
        found_of = map_concurrent(told_of_one, by_master)
        reports = {report.ref: report for found in found_of.values() for report in found}
        return CheckedFleet([reports[ref] for ref in refs], unreachable, answers)
    finally:
        for host in hosts.values():
            host.close()


def _not_excluded(config: Config, selection: Selection) -> list[ClientRef]:
    """The clients that backups are made of, and whoever was written out."""
    return [
        ref for ref in selection.refs if ref in selection.named or not config.client(ref.master, ref.client).exclude
    ]


def _of_itself(host: Host, config: Config, reader: Queries, master: str) -> PreflightReport:
    """What the master makes of itself, as one client: the findings of each kind, each once."""
    ref = ClientRef(master, MASTER)
    reports = [
        master_report(host, config, ref, kind, tuple(reader.sizes(master, MASTER, kind)))
        for kind in kinds_of(config.policy(master, MASTER), MASTER)
    ]
    findings = dict.fromkeys(finding for report in reports for finding in report.findings)
    return replace(reports[-1], findings=tuple(findings))
