"""Looking at many clients without touching anything: the engine of backups, for ``check`` and whoever else asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from nimwrap.backup.self_preflight import master_report
from nimwrap.clients.inventory import backs_itself_up, can_be_backed_up, prior_of, take_inventory
from nimwrap.clients.selection import resolve_reachable
from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.records import ClientRef, Inventory
from nimwrap.fleet.concurrency import map_concurrent
from nimwrap.history.sqlite.queries import Reader
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.protocol import Host
from nimwrap.images.kinds import MASTER, kinds_of
from nimwrap.preflight.engine import preflight
from nimwrap.preflight.make_findings import trouble
from nimwrap.preflight.preflight_report import PreflightReport


def check_clients(
    config: Config, reader: Reader, targets: Sequence[str], *, everything: bool, now: datetime
) -> tuple[list[PreflightReport], list[NimwrapError]]:
    """One report for each client meant, in the order of the targets; nothing is changed, here or anywhere.

    And why masters could not be asked that were meant too, and of which no client is known.

    Raises a usage error for targets that mean nothing before any client is called. A master that cannot be asked is a
    report of each of its clients, those last seen; its error is raised only when no client of it is known.
    """
    hosts = {name: open_master(master, ahead=True) for name, master in config.masters.items()}
    try:
        seen = map_concurrent(lambda master: _seen(hosts[master]), hosts)
        refs, unheard = _meant(config, reader, seen, targets, everything=everything)
        by_master: dict[str, list[str]] = {}
        for ref in refs:
            by_master.setdefault(ref.master, []).append(ref.client)
        priors = {ref: prior_of(reader, ref, seen[ref.master].listed, now) for ref in refs}

        def of_one(master: str) -> list[PreflightReport]:
            error = seen[master].trouble
            if error is not None:
                finding = trouble(error)
                return [PreflightReport(ClientRef(master, client), (finding,)) for client in by_master[master]]
            prior = {client: priors[ClientRef(master, client)] for client in by_master[master]}
            clients = [client for client in by_master[master] if client != MASTER]
            found = preflight(hosts[master], config.masters[master], config, clients, prior, now)
            own = [_of_itself(hosts[master], config, reader, master)] if MASTER in prior else []
            return [*found, *own]

        found_of = map_concurrent(of_one, by_master)
        reports = {report.ref: report for found in found_of.values() for report in found}
        return [reports[ref] for ref in refs], unheard
    finally:
        for host in hosts.values():
            host.close()


@dataclass(frozen=True)
class _Seen:
    """A master's clients, or why it could not be asked for them."""

    listed: Inventory = field(default_factory=Inventory)
    trouble: NimwrapError | None = field(default=None)


def _seen(host: Host) -> _Seen:
    try:
        return _Seen(take_inventory(host))
    except NimwrapError as error:
        return _Seen(trouble=error)


def _meant(
    config: Config, reader: Reader, seen: Mapping[str, _Seen], targets: Sequence[str], *, everything: bool
) -> tuple[list[ClientRef], list[NimwrapError]]:
    """Clients named themselves as they are; of globs, groups and all, those that backups are made of."""
    known = {master: [client.name for client in one.listed.clients] for master, one in seen.items()}
    troubled = {master: one.trouble for master, one in seen.items() if one.trouble is not None}
    for row in reader.clients() if troubled else ():
        if row["master"] in troubled and not row["vanished"]:
            known[row["master"]].append(row["name"])
    _assume(known, troubled, targets)
    strange = [master for master in troubled if not known[master]]
    for master, names in known.items():
        if backs_itself_up(config, master):
            names.append(MASTER)
    if not any(known.values()) and troubled:
        raise next(iter(troubled.values()))
    unfit = {
        ClientRef(master, client.name)
        for master, one in seen.items()
        for client in one.listed.clients
        if config.client(master, client.name).exclude or not can_be_backed_up(config, master, client)
    }
    found, silent = resolve_reachable(config, known, strange, targets, all_=everything)
    unheard = [troubled[master] for master in silent]
    if unheard and not found:
        raise unheard[0]
    wanted = [ref for ref in found if ref not in unfit or ref.client in targets or str(ref) in targets]
    return wanted, unheard


def _assume(known: dict[str, list[str]], troubled: Iterable[str], targets: Iterable[str]) -> None:
    """A plain name that no master knows is taken to be a client of the one that cannot be asked."""
    for master in troubled:
        for target in targets:
            name = target.removeprefix(f"{master}/")
            if is_nim_name(name) and not any(name in names for names in known.values()):
                known[master].append(name)


def _of_itself(host: Host, config: Config, reader: Reader, master: str) -> PreflightReport:
    """What the master makes of itself, as one client: the findings of each kind, each once."""
    ref = ClientRef(master, MASTER)
    reports = [
        master_report(host, config, ref, kind, tuple(reader.sizes(master, MASTER, kind)))
        for kind in kinds_of(config.policy(master, MASTER), MASTER)
    ]
    findings = dict.fromkeys(finding for report in reports for finding in report.findings)
    return replace(reports[-1], findings=tuple(findings))
