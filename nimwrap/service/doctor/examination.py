"""All checks of the doctor: those of this machine, then all masters side by side. A broken check stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from nimwrap.clients.exports_left import ExportRows
from nimwrap.concurrency import map_concurrent
from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import fail, named
from nimwrap.history.sqlite.queries import Reader
from nimwrap.hosts.channel_route import LASTS
from nimwrap.service.doctor.channel_checks import ShownByClients, channel_checks
from nimwrap.service.doctor.file_checks import configuration_checks, file_checks
from nimwrap.service.doctor.installation_checks import (
    date_checks,
    history_checks,
    inventory_checks,
    notify_checks,
    removal_checks,
    schedule_checks,
)
from nimwrap.service.doctor.master_checks import master_checks
from nimwrap.service.doctor.python_checks import python_checks


def examine(path: Path | None, now: Callable[[], datetime]) -> tuple[list[Finding], bool]:
    """Every check, in an order that a person would follow, and whether the configuration can be used.

    Nothing is changed, here or on a master.
    """
    config, found = configuration_checks(path)
    checks = _safely("libraries", lambda: python_checks(config))
    checks += found
    if config is None:
        return checks, False
    checks += _safely("files", lambda: file_checks(config))
    open_runs: frozenset[str] = frozenset()
    rows = {name: ExportRows({}) for name in config.masters}
    try:
        with Reader.open(config.database) as reader:
            open_runs = frozenset(row.id for row in reader.open_runs())
            rows = {name: ExportRows.of(reader, name) for name in config.masters}
            checks += _of_history(config, reader, now())
    except NimwrapError as error:
        checks.append(named("history", fail(error.message, error.hint)))
    checks += _safely("notify", lambda: notify_checks(config))
    known = frozenset(config.masters) | {master.host for master in config.masters.values()}
    seen = map_concurrent(
        lambda name: _safely(
            f"reach:{name}", lambda: master_checks(config.masters[name], open_runs, rows[name], now, known)
        ),
        config.masters,
    )
    return checks + [finding for of_one in seen.values() for finding in of_one], True


def _of_history(config: Config, reader: Reader, now: datetime) -> list[Finding]:
    return [
        *_safely("history", lambda: history_checks(config, reader)),
        *_safely("image_dates", lambda: date_checks(reader, now)),
        *_safely("removals", lambda: removal_checks(config, reader)),
        *_safely("inventory", lambda: inventory_checks(config, reader, now)),
        *_safely("schedules", lambda: schedule_checks(config, reader)),
        *_safely("channels", lambda: _channels(config, reader, now)),
    ]


def _channels(config: Config, reader: Reader, now: datetime) -> list[Finding]:
    known = reader.known()
    return [
        finding
        for name, master in config.masters.items()
        for finding in channel_checks(
            master,
            ShownByClients(
                [ref.client for ref in known if ref.master == name],
                reader.routes(name),
                reader.job_ways(name, now - LASTS),
                reader.remedies_proven(name),
            ),
        )
    ]


def _safely(check: str, ask: Callable[[], Iterable[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(ask())
    except NimwrapError as error:
        found.append(named(check, fail(error.message, error.hint)))
    except Exception as error:
        said = f"this check itself failed: {type(error).__name__}: {error}"
        found.append(named(check, fail(said, "please report it with the output of `nimwrap -v doctor`")))
    return found
