"""Ask a NIM master what a configuration for it would hold; nothing is changed there."""

from __future__ import annotations

import posixpath
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.aix import df, lsnim
from nimwrap.aix.text import Unrecognised
from nimwrap.clients.inventory import take_inventory
from nimwrap.config.drafted import DraftFacts
from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.names import PLAIN_KIND, is_safe_path
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.script_batch import Question
from nimwrap.images.image_probe import ask
from nimwrap.preflight.engine import preflight
from nimwrap.scheduling.cron_import.import_plan import Known, plan_import

if TYPE_CHECKING:
    from nimwrap.hosts.protocol import Host

_LIMIT_S = 60


@dataclass(frozen=True)
class _Images:
    """Where the images that NIM has lie, and how many there are."""

    directory: str
    count: int


def draft_facts(master: MasterConfig, now: datetime) -> DraftFacts:
    """What the master answers; raises NimwrapError where it cannot be asked."""
    host = open_master(master)
    try:
        clients = [one for one in take_inventory(host).clients if one.type == "standalone"]
        names = [one.name for one in clients]
        images = _images(host, names)
        config = Config(masters={master.name: master})
        if images.directory:
            config = replace(config, backup=replace(config.backup, directory=images.directory))
        reports = preflight(host, master, config, names, {}, now)
        clusters = {report.ref.client: report.cluster.name for report in reports if report.cluster}
        return DraftFacts(
            tuple(names),
            {client: name for client, name in clusters.items() if name},
            images.directory,
            images.count,
            _room(host, images.directory or config.backup.directory),
            tuple(sorted({report.route for report in reports if report.route})),
            {report.ref.client: report.failure.message for report in reports if report.failure},
            _cron(host, names),
        )
    finally:
        host.close()


def _images(host: Host, clients: list[str]) -> _Images:
    """The directory that most of NIM's images lie in; of one that is called after a client, the one above it."""
    told = ask(host, [Question("images", shlex.join(lsnim.long_argv(type_=PLAIN_KIND)), _LIMIT_S)])["images"]
    if told.unknown or told.failed or not told.output.strip():
        return _Images("", 0)
    found = [place for one in lsnim.parse_long(told.output).values() if (place := one.first("location"))]
    homes = [posixpath.dirname(place) for place in found]
    homes = [posixpath.dirname(home) if posixpath.basename(home) in clients else home for home in homes]
    usual = next((home for home, _ in Counter(homes).most_common() if is_safe_path(home)), "")
    return _Images(usual, len(found))


def _room(host: Host, directory: str) -> int | None:
    told = ask(host, [Question("room", shlex.join(df.argv(directory)), _LIMIT_S)])["room"]
    try:
        return df.parse(told.output)[-1].free_bytes if told.returncode == 0 else None
    except Unrecognised:
        return None


def _cron(host: Host, clients: list[str]) -> tuple[str, ...]:
    """Lines of root's crontab that have to do with images, or delete or carry them away."""
    told = ask(host, [Question("cron", "crontab -l", _LIMIT_S)])["cron"]
    if told.unknown or told.failed:
        return ()
    plan = plan_import(told.output, known=Known(clients=frozenset(clients)))
    lines = [*(one.line for one in plan.understood), *(one.line for one in plan.not_understood)]
    lines += [hand.line for hand in plan.hands]
    ordered = sorted({line.number: line.text.strip() for line in lines}.items())
    return tuple(text for _, text in ordered)
