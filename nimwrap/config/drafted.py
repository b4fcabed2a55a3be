"""A configuration that fits a master which was asked, as commented TOML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nimwrap.config.model import BackupPolicy, MasterConfig
from nimwrap.config.spelling import toml
from nimwrap.domain.durations import format_size

_KEYS = ("transport", "host", "port", "user", "become", "identity_file", "known_hosts", "client_channel")


@dataclass(frozen=True)
class DraftFacts:
    """What a master answered. ``clusters``: the cluster of each node; ``refused``: why a backup would be."""

    clients: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""
    images: int = 0
    free_bytes: int | None = None
    routes: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    cron: tuple[str, ...] = ()


def drafted(master: MasterConfig, facts: DraftFacts, when: str) -> str:
    """TOML text without faults: what was found is set, what is to be decided is a comment."""
    parts = (_head(master, when), _master(master, facts), _backup(facts), _clients(facts), _rest(facts), [""])
    return "\n".join(line for part in parts for line in part)


def _head(master: MasterConfig, when: str) -> Iterator[str]:
    yield f"# Written from what {_plain(master.host or master.name)} answered at {when}."
    yield "# Check it with `nimwrap config validate`, then `nimwrap check --all`, which changes nothing anywhere."
    yield "# `nimwrap config init` prints every other key."
    yield ""


def _master(master: MasterConfig, facts: DraftFacts) -> Iterator[str]:
    yield f"[masters.{master.name}]"
    usual = MasterConfig(master.name)
    for key in _KEYS:
        value = getattr(master, key)
        if key in ("transport", "host") or value != getattr(usual, key):
            yield f"{key} = {toml(value)}"
    if facts.routes:
        yield f"# Its clients were reached by: {', '.join(map(_plain, facts.routes))}."
    yield ""


def _backup(facts: DraftFacts) -> Iterator[str]:
    yield "[backup]"
    yield f"directory = {toml(facts.directory or BackupPolicy().directory)}"
    if facts.images:
        yield f"# NIM has {facts.images} images; `nimwrap images import` records them, and removes none."
    if facts.free_bytes is not None:
        yield f"# {format_size(facts.free_bytes)} are free there."
    yield "#keep = 3"
    yield ""


def _clients(facts: DraftFacts) -> Iterator[str]:
    yield f"# {len(facts.clients)} clients are known to NIM, and need no table: {_listed(facts.clients)}"
    for client, why in facts.refused.items():
        yield f"# A backup of {_plain(client)} would be refused now: {_plain(why)}"
    yield "[groups]"
    for cluster in sorted(set(facts.clusters.values())):
        members = [client for client, name in facts.clusters.items() if name == cluster]
        yield f"{toml(cluster)} = {toml(members)}  # a PowerHA cluster; one node after the other by itself"
    yield ""


def _rest(facts: DraftFacts) -> Iterator[str]:
    yield "[notify]"
    yield '#urls = ["file:/etc/nimwrap/mail-url"]  # without a place nobody is told of failures'
    if facts.cron:
        yield ""
        yield "# root's crontab there has to do with images; `nimwrap schedule import-cron` reads it:"
        yield from (f"#   {_plain(line)}" for line in facts.cron)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_plain, names[:40])) + (f" and {len(names) - 40} more" if len(names) > 40 else "") or "none"


def _plain(text: str) -> str:
    """Text from a host that stays on its line, in a comment."""
    return "".join(one if one.isprintable() else " " for one in text)
