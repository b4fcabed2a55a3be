"""From a parsed TOML document to the records, collecting every fault on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nimwrap.config.keys import (
    BACKUP,
    BLACKOUT,
    CLIENT,
    COPY,
    HOOK,
    LABEL,
    LIMIT,
    MASTER,
    NIM_NAME,
    NOTIFY,
    OVERRIDABLE,
    PLAIN_TABLES,
    RECIPIENTS,
    REPORT,
    RETRY,
    SANDBOX,
    TOP,
    TOP_NAMES,
    Key,
    Table,
    home_of,
)
from nimwrap.config.lines import KeyPath
from nimwrap.config.model import (
    BackupPolicy,
    BlackoutConfig,
    ClientConfig,
    Config,
    CopyConfig,
    HookConfig,
    LimitConfig,
    MasterConfig,
    NotifyConfig,
    RecipientsConfig,
    ReportConfig,
    RetryPolicy,
    SandboxConfig,
)
from nimwrap.config.rules import (
    blackout_faults,
    combination_faults,
    copy_faults,
    hook_faults,
    limit_faults,
    member_fault,
    member_faults,
    sandbox_faults,
)
from nimwrap.config.toml_file import Fault
from nimwrap.config.value_types import named, nearest, shown
from nimwrap.domain.target_names import GROUP


class Checker:
    """Reads one document; ``config`` means something only when ``faults`` stayed empty."""

    def __init__(self, document: Mapping[str, Any], path: Path) -> None:
        self.document = document
        self.path = path
        self.faults: list[Fault] = []

    def config(self) -> Config:
        """The records of the document."""
        self._unknown(self.document, (), TOP_NAMES)
        top = self._known(self._only(self.document, TOP), (), TOP.keys)
        plain = {table.name: self._table(table) for table in PLAIN_TABLES}
        masters = {name: self._master(name, body) for name, body in self._named("masters")}
        config = Config(
            path=self.path,
            state_dir=Path(top.get("state_dir", TOP.default("state_dir"))),
            schedules=self.path.parent / top.get("schedules", TOP.default("schedules")),
            site_name=top.get("site_name", TOP.default("site_name")),
            masters=masters,
            backup=BackupPolicy(**plain[BACKUP.name]),
            retry=RetryPolicy(**plain[RETRY.name]),
            groups=self._groups(masters),
            clients={
                name: self._client(name, body, masters)
                for name, body in self._named("clients")
                if not name.startswith(GROUP)
            },
            group_policies=dict(self._group_policies()),
            limits={name: self._limit(name, body, masters) for name, body in self._named("limits")},
            blackout={name: self._blackout(name, body, masters) for name, body in self._named("blackout")},
            notify=NotifyConfig(**plain[NOTIFY.name], recipients=self._recipients(masters)),
            copies={name: self._copy(name, body, masters) for name, body in self._named("copies")},
            sandboxes={name: self._sandbox(name, body, masters) for name, body in self._named("sandboxes")},
            hooks=self._hooks(masters),
            report=ReportConfig(**plain[REPORT.name]),
        )
        if not self.faults:
            self.faults.extend(combination_faults(config, self.document))
        return config

    def _fault(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.faults.append(Fault(path, message, hint))

    def _named(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """The sub-tables of ``[masters]`` or ``[clients]`` that are tables."""
        outer = self.document.get(table, {})
        if not isinstance(outer, dict):
            self._fault((table,), f"{table} must hold tables such as [{table}.NAME], not {named(outer)}")
            return []
        for name, body in outer.items():
            if not isinstance(body, dict):
                self._fault((table, name), f"{shown(name)} must be a table: write [{table}.NAME] above its keys")
        return [(name, body) for name, body in outer.items() if isinstance(body, dict)]

    def _table(self, table: Table) -> dict[str, Any]:
        body = self.document.get(table.name, {})
        if not isinstance(body, dict):
            self._fault((table.name,), f"{table.name} must be a table: write [{table.name}] above its keys")
            return {}
        own = {name: value for name, value in body.items() if not self._is_recipients(table, value)}
        self._unknown(own, (table.name,), tuple(key.name for key in table.keys))
        return self._known(own, (table.name,), table.keys)

    @staticmethod
    def _is_recipients(table: Table, value: object) -> bool:
        """Whether it is a table of its own below ``[notify]``."""
        return table is NOTIFY and isinstance(value, dict)

    def _recipients(self, masters: dict[str, MasterConfig]) -> dict[str, RecipientsConfig]:
        body = self.document.get(NOTIFY.name, {})
        tables = body if isinstance(body, dict) else {}
        found = {}
        for name, own in tables.items():
            if isinstance(own, dict) and NOTIFY.key(name) is None:
                at: KeyPath = (NOTIFY.name, name)
                if not LABEL.accepts(name):
                    self._fault(at, f"{shown(name)} cannot name recipients: it must be {LABEL.what}")
                self._unknown(own, at, tuple(key.name for key in RECIPIENTS.keys))
                found[name] = RecipientsConfig(**self._known(own, at, RECIPIENTS.keys))
                self._targets(found[name].targets, at, masters)
            elif isinstance(own, dict):
                self._fault((NOTIFY.name, name), f"{shown(name)} is a key of [notify], and cannot name recipients")
        return found

    def _targets(self, targets: Sequence[str], at: KeyPath, masters: dict[str, MasterConfig]) -> None:
        groups = self.document.get("groups", {})
        for index, target in enumerate(targets):
            fault = member_fault(target, groups if isinstance(groups, dict) else {}, tuple(masters))
            if fault:
                self._fault((*at, "targets", index), *fault)

    def _only(self, body: Mapping[str, Any], table: Table) -> dict[str, Any]:
        return {name: value for name, value in body.items() if table.key(name)}

    def _known(self, body: Mapping[str, Any], at: KeyPath, keys: tuple[Key, ...]) -> dict[str, Any]:
        """The values of the keys that are there, as their kinds read them."""
        values = {}
        for key in keys:
            if key.name in body:
                path = (*at, key.name)

                def report(message: str, hint: str = "", at: KeyPath = (), path: KeyPath = path) -> None:
                    self._fault((*path, *at), f"{path[-1]}: {message}", hint)

                values[key.name] = key.kind.read(body[key.name], report)
        return values

    def _unknown(self, body: Mapping[str, Any], at: KeyPath, known: tuple[str, ...]) -> None:
        where = f" in [{'.'.join(map(str, at))}]" if at else ""
        for name in body:
            if name not in known:
                home = home_of(name)
                hint = nearest(name, known) or (f"{name} belongs into {home}" if home else "")
                hint = hint or f"known here: {', '.join(known)}"
                self._fault((*at, name), f"unknown key {shown(name)}{where}", hint)

    def _overrides(self, body: Mapping[str, Any], at: KeyPath, table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
        """A master's or client's own values, and those of ``[backup]`` and ``[retry]`` that it overrides."""
        known = (*table.keys, *OVERRIDABLE)
        self._unknown(body, at, tuple(key.name for key in known))
        return self._known(body, at, table.keys), self._known(body, at, OVERRIDABLE)

    def _master(self, name: str, body: Mapping[str, Any]) -> MasterConfig:
        at: KeyPath = ("masters", name)
        if not LABEL.accepts(name):
            self._fault(at, f"{shown(name)} cannot name a master: it must be {LABEL.what}")
        own, overrides = self._overrides(body, at, MASTER)
        found = MasterConfig(name=name, overrides=overrides, **own)
        if found.remote and not found.host:
            hint = 'add host = "..." or, on the master itself, transport = "local"'
            self._fault(at, f"master {shown(name)} has no host", hint)
        return found

    def _client(self, name: str, body: Mapping[str, Any], masters: dict[str, MasterConfig]) -> ClientConfig:
        at: KeyPath = ("clients", name)
        master, slash, client = name.rpartition("/")
        if not NIM_NAME.accepts(client):
            self._fault(at, f"{shown(client)} cannot be a client: it is not {NIM_NAME.what}")
        if slash and master not in masters:
            hint = nearest(master, tuple(masters)) or f"known masters: {', '.join(masters) or 'none'}"
            self._fault(at, f"{shown(name)} names the unknown master {shown(master)}", hint)
        own, overrides = self._overrides(body, at, CLIENT)
        return ClientConfig(name=name, overrides=overrides, **own)

    def _group_policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys of ``[backup]`` and ``[retry]`` for all of a group."""
        groups = self.document.get("groups", {})
        for name, body in self._named("clients"):
            if not name.startswith(GROUP):
                continue
            at: KeyPath = ("clients", name)
            group = name.removeprefix(GROUP)
            if group not in groups:
                self._fault(at, f"{shown(name)} is no group", nearest(group, tuple(groups)))
            self._unknown(body, at, tuple(key.name for key in OVERRIDABLE))
            yield group, self._known(body, at, OVERRIDABLE)

    def _copy(self, name: str, body: Mapping[str, Any], masters: dict[str, MasterConfig]) -> CopyConfig:
        found = CopyConfig(name=name, **self._of_some(COPY, name, body, masters))
        self._in_table(COPY, name, body, copy_faults(found, tuple(masters)))
        return found

    def _sandbox(self, name: str, body: Mapping[str, Any], masters: dict[str, MasterConfig]) -> SandboxConfig:
        found = SandboxConfig(name=name, **self._of_some(SANDBOX, name, body, masters))
        self._in_table(SANDBOX, name, body, sandbox_faults(found))
        return found

    def _limit(self, name: str, body: Mapping[str, Any], masters: dict[str, MasterConfig]) -> LimitConfig:
        self._in_table(LIMIT, name, body, limit_faults(name, body))
        return LimitConfig(name=name, **self._of_some(LIMIT, name, body, masters))

    def _blackout(self, name: str, body: Mapping[str, Any], masters: dict[str, MasterConfig]) -> BlackoutConfig:
        found = BlackoutConfig(name=name, **self._of_some(BLACKOUT, name, body, masters))
        self._in_table(BLACKOUT, name, body, blackout_faults(found))
        return found

    def _of_some(
        self, table: Table, name: str, body: Mapping[str, Any], masters: dict[str, MasterConfig]
    ) -> dict[str, Any]:
        """The values of a table with a name of its own that is about the clients it has as ``targets``."""
        at: KeyPath = (table.name, name)
        if not LABEL.accepts(name):
            self._fault(at, f"{shown(name)} cannot name a table of [{table.name}]: it must be {LABEL.what}")
        self._unknown(body, at, tuple(key.name for key in table.keys))
        values = self._known(body, at, table.keys)
        self._targets(values.get("targets", ()), at, masters)
        return values

    def _in_table(
        self, table: Table, name: str, body: Mapping[str, Any], faults: Iterable[tuple[str, str, str]]
    ) -> None:
        """Report what is wrong with the keys of a table together, at the key where it stands there."""
        at: KeyPath = (table.name, name)
        for key, message, hint in faults:
            self._fault((*at, key) if key in body else at, message, hint)

    def _hooks(self, masters: dict[str, MasterConfig]) -> tuple[HookConfig, ...]:
        listed = self.document.get("hooks", [])
        if not isinstance(listed, list) or not all(isinstance(body, dict) for body in listed):
            self._fault(("hooks",), "hooks must be tables: write [[hooks]] above the keys of each")
            return ()
        return tuple(self._hook(number, body, masters) for number, body in enumerate(listed))

    def _hook(self, number: int, body: Mapping[str, Any], masters: dict[str, MasterConfig]) -> HookConfig:
        at: KeyPath = ("hooks", number)
        self._unknown(body, at, tuple(key.name for key in HOOK.keys))
        found = HookConfig(number=number, **self._known(body, at, HOOK.keys))
        self._targets(found.targets, at, masters)
        for key, message, hint in hook_faults(found, body):
            self._fault((*at, key) if key in body else at, message, hint)
        return found

    def _groups(self, masters: dict[str, MasterConfig]) -> dict[str, tuple[str, ...]]:
        groups = self.document.get("groups", {})
        if not isinstance(groups, dict):
            self._fault(("groups",), "groups must be a table: write [groups] above lines such as NAME = [...]")
            return {}
        for fault in member_faults(groups, tuple(masters)):
            self._fault(("groups", *fault.path), fault.message, fault.hint)
        return {name: tuple(members) for name, members in groups.items() if isinstance(members, list)}
