"""Everything that was found out about one client, as the checks see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from nimwrap.aix import lsnim
from nimwrap.aix.addresses import ipv4
from nimwrap.config.model import BackupPolicy, MasterConfig
from nimwrap.domain.names import is_host_name, is_nim_name
from nimwrap.domain.records import ClientRef, SourceAddress
from nimwrap.hosts.client_channel import ChannelAnswer
from nimwrap.preflight.client_facts import ClientFacts
from nimwrap.preflight.facts import FactError
from nimwrap.preflight.host_names import Names
from nimwrap.preflight.master_facts import Directory, MasterFacts
from nimwrap.preflight.preflight_report import Prior
from nimwrap.preflight.source_address import ALIAS_ORDER, STRONG, first_alias

RESOURCE_TYPES = frozenset(
    {
        "mksysb",
        "spot",
        "lpp_source",
        "bosinst_data",
        "image_data",
        "exclude_files",
        "script",
        "fb_script",
        "savevg",
        "installp_bundle",
        "fix_bundle",
        "resolv_conf",
        "adapter_def",
        "boot",
        "root",
        "paging",
        "dump",
        "home",
        "tmp",
    }
)
"""Attributes of a machine that name a resource allocated to it (aix-nim section 2.7)."""


@dataclass(frozen=True)
class CheckContext:
    """``channel`` None: the client was not called. ``spent_s``: seconds between the two clocks' readings, at most.

    ``cluster`` is what the configuration calls the client's cluster.
    """

    ref: ClientRef
    policy: BackupPolicy
    master: MasterConfig
    prior: Prior
    now: datetime
    on_master: MasterFacts
    client: ClientFacts
    channel: ChannelAnswer | None = None
    names: Names = field(default_factory=Names)
    spent_s: float = 0.0
    cluster: str = ""

    @cached_property
    def nim(self) -> lsnim.NimObject | None:
        """The client's NIM object; None when the listing has none of that name, or could not be read."""
        return (self.on_master.objects.value or {}).get(self.ref.client)

    def object(self) -> lsnim.NimObject:
        """The client's NIM object; raises FactError without one."""
        if self.nim is None:
            raise FactError("the client's NIM object is not known")
        return self.nim

    @property
    def is_master(self) -> bool:
        """True for the master's own object, which has no channel to itself."""
        return self.nim is not None and self.nim.type == "master"

    @cached_property
    def host(self) -> str | None:
        """The host name of ``if1``, if it is one that may reach a shell."""
        interfaces = self.nim.interfaces if self.nim else ()
        return interfaces[0].host if interfaces and is_host_name(interfaces[0].host) else None

    @property
    def master_named_otherwise(self) -> bool:
        """True when the client calls its master by another name than the master itself does."""
        info, own = self.client.niminfo.value, self.on_master.hostname.value
        return info is not None and bool(info.master_hostname) and info.master_hostname != own

    @cached_property
    def path(self) -> str | None:
        """The directory the client's images go to; None for a name that may not become a path."""
        return image_directory(self.policy, self.ref.client)

    def directory(self) -> Directory:
        """What was found out about :attr:`path`; raises FactError."""
        found = self.on_master.directories.need().get(self.path or "")
        if found is None:
            raise FactError("the image directory was not looked at")
        return found

    @property
    def available_bytes(self) -> int | None:
        """Room in the image directory's file system, None when not known."""
        found = (self.on_master.directories.value or {}).get(self.path or "")
        return found.filesystem.free_bytes if found and found.filesystem else None

    @cached_property
    def expected(self) -> tuple[str, ...]:
        """The IPv4 addresses that the master resolves for the ``if1`` name; empty when it could not be asked."""
        answer = self.names.of(self.host).value if self.host else None
        return tuple(address for address in answer.addresses if ipv4(address)) if answer else ()

    @cached_property
    def source(self) -> SourceAddress:
        """Expected, actual and how the actual one was found out; of several expected, the one that is used."""
        answer = self.client.source.value
        actual, method = (answer.address, answer.method) if answer else (None, None)
        if actual is None and self.channel is not None and self.channel.reached:
            masters = answer.master_addresses if answer else ()
            actual = first_alias(self.client.interfaces.value or (), self.client.rows.value or (), masters)
            method = ALIAS_ORDER if actual else None
        expected = actual if actual in self.expected else next(iter(self.expected), None)
        return SourceAddress(expected, actual, method)

    @property
    def source_proven(self) -> bool:
        """True when the kernel named the actual address and the client's own interfaces hold it."""
        return self.source.method in STRONG and self.source.actual in self.client.own_addresses

    @cached_property
    def allocated(self) -> tuple[tuple[str, str], ...]:
        """Resources allocated to the client, as (type, name)."""
        attributes = self.nim.attributes if self.nim else {}
        kinds = sorted(RESOURCE_TYPES & set(attributes))
        return tuple((kind, name) for kind in kinds for name in dict.fromkeys(attributes[kind]))


def image_directory(policy: BackupPolicy, client: str) -> str | None:
    """``directory/CLIENT`` or, in the flat layout, ``directory``; None for a client whose name is not one of NIM's."""
    base = policy.directory.rstrip("/")
    if policy.layout == "flat":
        return base
    return f"{base}/{client}" if is_nim_name(client) else None
