"""Which value of each key holds, and where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nimwrap.config.group_policies import is_member
from nimwrap.config.keys import (
    BACKUP,
    BLACKOUT,
    CLIENT,
    COPY,
    HOOK,
    LIMIT,
    MASTER,
    NOTIFY,
    OVERRIDABLE,
    RECIPIENTS,
    REPORT,
    RETRY,
    SANDBOX,
    TOP,
    Key,
    Table,
)
from nimwrap.config.lines import KeyPath
from nimwrap.config.load import Document
from nimwrap.config.spelling import spelled, toml
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import GROUP


@dataclass(frozen=True)
class Setting:
    """One key as it holds. ``source``: default, file, master, group or client; ``line`` None for a default."""

    key: str
    value: Any
    source: str
    line: int | None
    spelled: str


def whole(document: Document) -> list[Setting]:
    """Every key of the file and every default, in the file's order of tables."""
    config, found = document.config, _Found(document.file.lines)
    settings = list(found.table(TOP, config, ()))
    for name, master in config.masters.items():
        settings += found.table(MASTER, master, ("masters", name))
        settings += found.overrides(master.overrides, ("masters", name), "master")
    settings += found.table(BACKUP, config.backup, ("backup",))
    settings += found.table(RETRY, config.retry, ("retry",))
    for name, members in config.groups.items():
        settings.append(found.setting(f"groups.{name}", members, toml(members), [("file", ("groups", name))]))
    for name, values in config.group_policies.items():
        settings += found.overrides(values, ("clients", f"{GROUP}{name}"), "group")
    for name, client in config.clients.items():
        settings += found.table(CLIENT, client, ("clients", name))
        settings += found.overrides(client.overrides, ("clients", name), "client")
    for name, limit in config.limits.items():
        settings += found.table(LIMIT, limit, ("limits", name))
    for name, blackout in config.blackout.items():
        settings += found.table(BLACKOUT, blackout, ("blackout", name))
    settings += found.table(NOTIFY, config.notify, ("notify",))
    for name, own in config.notify.recipients.items():
        settings += found.table(RECIPIENTS, own, ("notify", name))
    for name, copy in config.copies.items():
        settings += found.table(COPY, copy, ("copies", name))
    for name, sandbox in config.sandboxes.items():
        settings += found.table(SANDBOX, sandbox, ("sandboxes", name))
    for hook in config.hooks:
        settings += found.table(HOOK, hook, ("hooks", hook.number))
    settings += found.table(REPORT, config.report, ("report",))
    return settings


def of_client(document: Document, master: str, client: str) -> list[Setting]:
    """What holds for one client of one master: its own table, and its policy over all layers."""
    config, found = document.config, _Found(document.file.lines)
    own = config.client(master, client)
    settings = list(found.table(CLIENT, own, ("clients", own.name)))
    ref = ClientRef(master, client)
    groups = [group for group in config.group_policies if is_member(group, config.groups, ref)]
    for table, record in ((BACKUP, config.policy(master, client)), (RETRY, config.retry_policy(master, client))):
        for key in table.keys:
            value = getattr(record, key.name)
            places = _layers(table, key.name, master, own.name)
            places[1:1] = [("group", ("clients", f"{GROUP}{group}", key.name)) for group in reversed(groups)]
            settings.append(found.setting(key.name, value, spelled(key, value), places))
    return settings


def _layers(table: Table, key: str, master: str, client: str) -> list[tuple[str, KeyPath]]:
    """Where a value may come from, nearest first."""
    return [("client", ("clients", client, key)), ("master", ("masters", master, key)), ("file", (table.name, key))]


@dataclass(frozen=True)
class _Found:
    """The keys that the file holds, by path."""

    lines: Mapping[KeyPath, int]

    def setting(self, name: str, value: Any, text: str, places: Sequence[tuple[str, KeyPath]]) -> Setting:
        for source, path in places:
            if path in self.lines:
                return Setting(name, value, source, self.lines[path], text)
        return Setting(name, value, "default", None, text)

    def table(self, table: Table, record: object, at: KeyPath) -> Iterator[Setting]:
        for key in table.keys:
            yield self._one(key, getattr(record, key.name), at, "file")

    def overrides(self, values: Mapping[str, Any], at: KeyPath, source: str) -> Iterator[Setting]:
        for key in OVERRIDABLE:
            if key.name in values:
                yield self._one(key, values[key.name], at, source)

    def _one(self, key: Key, value: Any, at: KeyPath, source: str) -> Setting:
        path = (*at, key.name)
        return self.setting(".".join(map(str, path)), value, spelled(key, value), [(source, path)])
