"""The configuration as records (INTERFACE section 5). Durations are seconds, paths are absolute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from nimwrap.config.group_policies import layers_of
from nimwrap.config.secret import Secret
from nimwrap.domain.alert_kind import AlertKind
from nimwrap.domain.black_hours import WHOLE_DAY
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef

KINDS = ("mksysb", "savevg", "ios_mksysb", "ios_backup", "nim_db", "master_mksysb")
AUTO = "auto"
REMEDIES = ("own-mount", "pre-export")
COPY_KINDS = ("path", "nim", "command")
CONTROL = "control"
COPY_PLACES = ("master", CONTROL)
AFTER_RUN = "run"
HOOK_OF_RUN = ("before", "after", "failed")
HOOK_OF_FLEET = ("fleet-before", "fleet-after")
HOOK_OF_COPY = "copied"
HOOK_PLACES = ("client", "master", "control")


@dataclass(frozen=True)
class Transport:
    """A way to a master, the module of the same name in ``hosts/``. ``remote``: it needs a host to connect to;
    ``module`` and ``extra``: the Python module that it needs, and nimwrap's extra that brings it."""

    name: str
    remote: bool = True
    module: str = ""
    extra: str = ""


TRANSPORTS = {
    each.name: each
    for each in (Transport("ssh", module="fabric", extra="ssh"), Transport("openssh"), Transport("local", remote=False))
}


@dataclass(frozen=True)
class BackupPolicy:
    """``[backup]`` as it holds for one client: the nearest of client, its groups, master, global wins."""

    directory: str = "/export/nim/mksysb"
    naming: str = "dated"
    layout: str = "per-client"
    mksysb_flags: str = "ei"
    kinds: tuple[str, ...] = (PLAIN_KIND,)
    volume_groups: tuple[str, ...] = ()
    keep: int = 3
    keep_weekly: int = 0
    keep_monthly: int = 0
    min_age: int = 0
    max_age: int = 8 * 86400
    timeout: int = 6 * 3600
    stall: int = 1800
    verify_full_every: int = 30 * 86400
    drill_every: int = 0
    export_change: str = "when-needed"
    remedies: tuple[str, ...] = REMEDIES
    exclude_rootvg: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetryPolicy:
    """``attempts`` counts image-making operations of one run; ``wait`` doubles with jitter up to ``max_wait``."""

    attempts: int = 3
    wait: int = 300
    max_wait: int = 1800


@dataclass(frozen=True)
class MasterConfig:
    """``[masters.NAME]``: how the master is reached. ``overrides`` holds its own keys of ``[backup]``/``[retry]``."""

    name: str
    transport: str = "ssh"
    host: str = ""
    port: int = 22
    user: str = "root"
    become: str = ""
    identity_file: str = ""
    known_hosts: str = ""
    ssh_config: str = ""
    client_channel: str = "auto"
    spool: str = "/var/adm/nimwrap"
    max_parallel: int | str = 4
    max_parallel_limit: int = 16
    shell: str = ""
    env: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def learns_parallel(self) -> bool:
        """Whether how many images are made at once is learned from what the master writes."""
        return self.max_parallel == AUTO

    @property
    def most_parallel(self) -> int:
        """How many images are ever made at once."""
        return self.max_parallel if isinstance(self.max_parallel, int) else self.max_parallel_limit

    @property
    def remote(self) -> bool:
        """Whether it is reached over a network, by its ``host``."""
        return self.transport not in TRANSPORTS or TRANSPORTS[self.transport].remote


@dataclass(frozen=True)
class ClientConfig:
    """``[clients.NAME]``; NAME may be ``master/client``."""

    name: str
    cluster: str = ""
    exclude: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecipientsConfig:
    """``[notify.NAME]``: others who are told, of the clients that are theirs."""

    urls: tuple[Secret, ...] = ()
    on: tuple[str, ...] = tuple(kind.value for kind in AlertKind)
    targets: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class NotifyConfig:
    """``[notify]``. The URLs may hold tokens: ``reveal()`` them only to connect."""

    urls: tuple[Secret, ...] = ()
    ping: Secret = field(default_factory=Secret)
    on: tuple[str, ...] = tuple(kind.value for kind in AlertKind)
    recipients: dict[str, RecipientsConfig] = field(default_factory=dict)

    @property
    def all_urls(self) -> dict[str, Secret]:
        """Every place by its key, such as ``notify.urls[0]`` or ``notify.unix.urls[0]``."""
        tables = {"notify": self.urls, **{f"notify.{name}": own.urls for name, own in self.recipients.items()}}
        return {f"{table}.urls[{number}]": url for table, urls in tables.items() for number, url in enumerate(urls)}


@dataclass(frozen=True)
class ReportConfig:
    """``[report]``: files that each fleet run writes here, and the key that signs evidence; empty for none."""

    html: str = ""
    textfile: str = ""
    sign_key: str = ""


@dataclass(frozen=True)
class CopyConfig:
    """``[copies.NAME]``: another place for proven images. ``store``, ``check``, ``fetch`` and ``remove`` are argv."""

    name: str
    kind: str = COPY_KINDS[0]
    to: str = ""
    directory: str = ""
    on: str = COPY_PLACES[0]
    store: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("*",)
    keep: int = 2
    max_age: int = 15 * 86400
    after: str = AFTER_RUN
    timeout: int = 12 * 3600
    beside_backups: bool = False


@dataclass(frozen=True)
class SandboxConfig:
    """``[sandboxes.NAME]``: a machine for restores that are tried. ``disk``: a free one of it, which they overwrite."""

    name: str
    client: str = ""
    disk: str = ""
    spot: str = ""
    hmc: str = ""
    hmc_system: str = ""
    hmc_lpar: str = ""
    hmc_profile: str = "default"
    gateway: str = "0.0.0.0"  # noqa: S104 (no gateway)
    timeout: int = 4 * 3600


@dataclass(frozen=True)
class LimitConfig:
    """``[limits.NAME]``: never more than ``max_parallel`` images at once of those that are meant: the ``targets``, and
    of these, where a ``directory`` is named, those whose images lie there or below."""

    name: str
    max_parallel: int = 1
    targets: tuple[str, ...] = ("*",)
    directory: str = ""


@dataclass(frozen=True)
class BlackoutConfig:
    """``[blackout.NAME]``: when no schedule begins a backup of ``targets``; :mod:`nimwrap.domain.black_hours`."""

    name: str
    days: tuple[str, ...] = ()
    begins: str = WHOLE_DAY[0]
    ends: str = WHOLE_DAY[1]
    timezone: str = "UTC"
    targets: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class HookConfig:
    """One of ``[[hooks]]``: a command of the site's own at a named point; ``number``: its place in the file, from 0."""

    number: int = 0
    when: str = "after"
    on: str = "control"
    run: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("*",)
    timeout: int = 300


@dataclass(frozen=True)
class Config:
    """The whole configuration. ``path`` is the file it came from, None for built-in defaults.

    ``said`` holds what the command line decides for this one call.
    """

    path: Path | None = None
    state_dir: Path = Path("/var/lib/nimwrap")
    schedules: Path = Path("schedules")
    site_name: str = ""
    masters: dict[str, MasterConfig] = field(default_factory=dict)
    backup: BackupPolicy = field(default_factory=BackupPolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    clients: dict[str, ClientConfig] = field(default_factory=dict)
    group_policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    copies: dict[str, CopyConfig] = field(default_factory=dict)
    hooks: tuple[HookConfig, ...] = ()
    sandboxes: dict[str, SandboxConfig] = field(default_factory=dict)
    limits: dict[str, LimitConfig] = field(default_factory=dict)
    blackout: dict[str, BlackoutConfig] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    _policies: dict[tuple[str, str], BackupPolicy] = field(default_factory=dict, init=False, repr=False, compare=False)

    def saying(self, **keys: Any) -> Config:
        """This configuration with keys of ``[backup]``/``[retry]`` that the command line decides for every client."""
        return replace(self, said={**self.said, **keys})

    @property
    def database(self) -> Path:
        return self.state_dir / "history.db"

    def client(self, master: str, client: str) -> ClientConfig:
        """The client's own table: ``master/client`` before ``client``, else an empty one."""
        return self._own_table(master, client) or ClientConfig(client)

    def policy(self, master: str, client: str) -> BackupPolicy:
        """The backup policy of one client; made once for all clients of a master without a table of their own."""
        own = self._own_table(master, client)
        shared = (master, client if self.group_policies else own.name if own else "")
        if shared not in self._policies:
            self._policies[shared] = _overlaid(self.backup, self._layers(master, client))
        return self._policies[shared]

    def retry_policy(self, master: str, client: str) -> RetryPolicy:
        """The retry policy of one client."""
        return _overlaid(self.retry, self._layers(master, client))

    def _own_table(self, master: str, client: str) -> ClientConfig | None:
        if not self.clients:
            return None
        return self.clients.get(f"{master}/{client}") or self.clients.get(client)

    def _layers(self, master: str, client: str) -> tuple[Mapping[str, Any], ...]:
        own = self.masters[master].overrides if master in self.masters else {}
        groups = layers_of(self.group_policies, self.groups, ClientRef(master, client)) if self.group_policies else ()
        return own, *groups, self.client(master, client).overrides, self.said


_Policy = TypeVar("_Policy", BackupPolicy, RetryPolicy)


def _overlaid(policy: _Policy, layers: tuple[Mapping[str, Any], ...]) -> _Policy:
    known = policy.__dataclass_fields__
    changed: dict[str, Any] = {}
    for layer in layers:
        changed |= {key: value for key, value in layer.items() if key in known}
    return replace(policy, **changed) if changed else policy
